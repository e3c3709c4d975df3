"""Only what user_service has signed opens a door."""

import base64
import hashlib
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

PATHS = ["/api/v1/users/me/", "/api/v1/tasks/"]
ES256 = ECAlgorithm(ECAlgorithm.SHA256)


def encoded(part):
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def parts(token):
    """The header and the claims of a good token."""
    return jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})


def in_an_hour():
    return int(time.time()) + 3600


class Pen:
    """Writes tokens that differ from a good one, signed by user_service's own key unless another way is given."""

    def __init__(self, system, token):
        self.header, self.claims = parts(token)
        self.signature = token.rpartition(".")[2]
        self.key = ES256.prepare_key(next((system.data_dir / "signing_keys").glob("*.pem")).read_bytes())
        self.forger = ec.generate_private_key(ec.SECP256R1())

    def write(self, header=None, sign=None, **claims):
        said = f"{encoded(self.header | (header or {}))}.{encoded(self.claims | claims)}"
        return f"{said}.{encoded((sign or self.sign)(said.encode()))}"

    def sign(self, said):
        return ES256.sign(said, self.key)

    def forge(self, said):
        return ES256.sign(said, self.forger)

    def hash(self, said):
        """The algorithm confusion: HMAC with the public key, which everybody has."""
        pem = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return hmac.digest(pem, said, hashlib.sha256)

    def jwk(self, **more):
        return ES256.to_jwk(self.forger.public_key(), as_dict=True) | more


def hash_by_nothing(said):
    return hmac.digest(b"", said, hashlib.sha256)


FORGERIES = {
    "no algorithm": lambda pen: pen.write({"alg": "none"}, lambda _: b""),
    "no algorithm, with the signature": lambda pen: pen.write({"alg": "none"}),
    "the public key as a secret": lambda pen: pen.write({"alg": "HS256"}, pen.hash),
    "no signature": lambda pen: pen.write(sign=lambda _: b""),
    "a signature of zeros": lambda pen: pen.write(sign=lambda _: bytes(64)),
    "another key's signature": lambda pen: pen.write(sign=pen.forge),
    "another key in the header": lambda pen: pen.write({"jwk": pen.jwk(kid=pen.header["kid"])}, pen.forge),
    "another key and its id in the header": lambda pen: pen.write(
        {"kid": "mine", "jwk": pen.jwk(kid="mine")}, pen.forge
    ),
    "other claims under a good signature": lambda pen: (
        f"{encoded(pen.header)}.{encoded(pen.claims | {'username': 'operator'})}.{pen.signature}"
    ),
    "an unknown key id": lambda pen: pen.write({"kid": "another"}, pen.forge),
    "a key id that walks": lambda pen: pen.write({"kid": "../../x"}),
    "a key id that is an empty file's path": lambda pen: pen.write(
        {"alg": "HS256", "kid": "/dev/null"}, hash_by_nothing
    ),
    "a key id with a NUL": lambda pen: pen.write({"kid": f"{pen.header['kid']}\0"}),
    "a key id without end": lambda pen: pen.write({"kid": "k" * 4000}),
    "a key id that is a number": lambda pen: pen.write({"kid": 5}),
    "a key id that is a list": lambda pen: pen.write({"kid": [pen.header["kid"]]}),
    "an extension that nobody knows": lambda pen: pen.write({"crit": ["tandem"], "tandem": True}),
    "it has run out": lambda pen: pen.write(iat=int(time.time()) - 900, exp=int(time.time()) - 120),
    "it is not good yet": lambda pen: pen.write(nbf=in_an_hour(), exp=in_an_hour() + 600),
    "it was made in the future": lambda pen: pen.write(iat=in_an_hour(), exp=in_an_hour() + 600),
    "another audience": lambda pen: pen.write(aud="another"),
    "another issuer": lambda pen: pen.write(iss="another"),
    "a refresh token's type": lambda pen: pen.write(token_type="refresh"),
    "a person who is no UUID": lambda pen: pen.write(sub="operator"),
    "a person who is a number": lambda pen: pen.write(sub=1),
    "a sign-in that is no UUID": lambda pen: pen.write(sid="none"),
}


@pytest.fixture(scope="module")
def token(system):
    return system.register("alice").access


def ask(system, path, token):
    return system.client().get(path, headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_token_is_refused(system, token, forgery, path):
    answer = ask(system, path, FORGERIES[forgery](Pen(system, token)))

    assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", PATHS)
def test_a_token_of_the_same_making_that_is_good_is_taken(system, token, path):
    """Or the refusals above would prove nothing."""
    assert ask(system, path, Pen(system, token).write()).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_no_address_that_a_token_names_is_asked_for_a_key(system, echo, token, path):
    pen = Pen(system, token)
    addresses = dict.fromkeys(("jku", "x5u"), f"http://127.0.0.1:{echo.port}/jwks.json")
    before = echo.connections

    for kid in (pen.header["kid"], "mine"):
        assert ask(system, path, pen.write(addresses | {"kid": kid}, pen.forge)).status_code == 401

    assert echo.connections == before
