"""What the tests of both services share: real tokens, fast passwords, a real broker, threads."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from local.rabbitmq import RabbitMQ, find_server

STATIC_FILES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}


@pytest.fixture(scope="session", autouse=True)
def _static_root(request, tmp_path_factory):
    """A folder that exists: WhiteNoise warns of one that does not."""
    if request.config.pluginmanager.hasplugin("django"):  # tests/system and tests/local run without
        from django.conf import settings

        settings.STATIC_ROOT = str(tmp_path_factory.mktemp("static"))


@pytest.fixture(autouse=True)
def _service(request):
    """Settings that cost a test nothing, and no memory of the test before."""
    if not request.config.pluginmanager.hasplugin("django"):
        return
    import structlog

    from common import authentication, keys

    settings = request.getfixturevalue("settings")
    settings.STORAGES = STATIC_FILES
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    structlog.contextvars.clear_contextvars()
    authentication._verified.clear()
    keys.key_set.__init__(keys.key_set.fetch)


class Issuer:
    """Signs as user_service does, with a key of its own; changes make a token a forgery."""

    def __init__(self, kid="test-key"):
        self.kid = kid
        self.private = ec.generate_private_key(ec.SECP256R1())

    @property
    def jwk(self):
        public = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return public | {"kid": self.kid, "use": "sig", "alg": "ES256"}

    def claims(self, person, **changes):
        from common.ids import uuid7

        now = int(time.time())
        claims = {
            "token_type": "access",
            "iss": "tandem.user_service",
            "aud": "tandem",
            "sub": str(person.id),
            "username": person.username,
            "sid": str(uuid7()),
            "jti": uuid7().hex,
            "iat": now,
            "exp": now + 600,
        }
        return {name: value for name, value in (claims | changes).items() if value is not None}

    def token(self, person, *, headers=None, **changes):
        headers = {"kid": self.kid} if headers is None else headers
        return jwt.encode(self.claims(person, **changes), self.private, algorithm="ES256", headers=headers)


@pytest.fixture
def issuer(monkeypatch):
    """The only key that the service under test knows is this one's: `issuer.token(person, exp=…)`."""
    from common.keys import key_set

    found = Issuer()
    monkeypatch.setattr(key_set, "fetch", lambda: {"keys": [found.jwk]})
    return found


@pytest.fixture(scope="session")
def broker_url():
    """A RabbitMQ: the one that `make test` started, or one of this run's own."""
    if url := os.environ.get("BROKER_URL"):
        yield url
    elif find_server() is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("rabbitmq-server is not installed")
    else:
        with RabbitMQ.throw_away() as server:
            yield server.url


@pytest.fixture
def in_threads():
    """`in_threads(10, f)` calls f(number) in that many threads at the same moment; returns results or errors."""
    from django.db import connection

    def run(count, function):
        barrier = threading.Barrier(count)

        def call(number):
            try:
                barrier.wait(timeout=10)
                return function(number)
            except Exception as error:
                return error
            finally:
                connection.close()

        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(call, range(count)))

    return run
