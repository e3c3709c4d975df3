import base64
import hashlib
import json
import os
import stat
import time
from io import StringIO
from types import SimpleNamespace

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from common.keys import key_set
from tests.answers import assert_problem
from user_service.tokens import keys
from user_service.tokens import services as sessions

URL = "/.well-known/jwks.json"


@pytest.fixture
def own_dir(settings, tmp_path):
    settings.SIGNING_KEYS_DIR = tmp_path / "keys"
    return settings.SIGNING_KEYS_DIR


def write(folder, name, private):
    folder.mkdir(exist_ok=True)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / name).write_bytes(pem)


def kid_of(token):
    return jwt.get_unverified_header(token)["kid"]


def test_the_key_set_holds_public_keys_only(client):
    response = client.get(URL)
    (key,) = response.json()["keys"]
    assert response.headers["Content-Type"] == "application/json"
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "sig", "ES256")


def test_the_key_id_is_the_thumbprint_of_rfc_7638(client):
    (key,) = client.get(URL).json()["keys"]
    canonical = json.dumps({name: key[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode()).digest()
    assert key["kid"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")


def test_the_key_set_may_be_cached(client):
    assert "max-age=300" in client.get(URL).headers["Cache-Control"]


@pytest.fixture
def pass_time(monkeypatch):
    """Keys are as old as their files: only what reads the clock to judge them goes ahead."""

    def later(seconds):
        monkeypatch.setattr(keys, "time", SimpleNamespace(time=lambda: time.time() + seconds))

    return later


def test_the_only_key_signs_at_once(alice, own_dir):
    kid = keys.read_key(keys.create_key()).kid
    assert kid_of(sessions.begin_session(user=alice).access) == kid


def test_a_second_key_is_published_at_once_and_does_not_sign_yet(alice, client, own_dir, pass_time):
    old, new = (keys.read_key(keys.create_key()).kid for _ in range(2))
    pass_time(300)
    assert {key["kid"] for key in client.get(URL).json()["keys"]} == {old, new}
    assert kid_of(sessions.begin_session(user=alice).access) == old


def test_the_newest_key_signs_once_every_service_has_fetched_it(alice, own_dir, pass_time):
    new = [keys.read_key(keys.create_key()).kid for _ in range(2)][-1]
    pass_time(331)
    assert kid_of(sessions.begin_session(user=alice).access) == new


def test_a_copy_that_keeps_its_old_time_is_new_here(alice, own_dir):
    old, copy = keys.create_key(), keys.create_key()
    os.utime(copy, (0, 0))
    assert kid_of(sessions.begin_session(user=alice).access) == keys.read_key(old).kid


def test_a_bad_file_does_not_sign_out_who_is_signed_in(alice, api_of, own_dir):
    keys.create_key()
    signed_in = api_of(alice)
    assert signed_in.get("/api/v1/users/me/").status_code == 200
    (own_dir / "zzz.pem").write_text("not a key")
    key_set.refresh()
    assert signed_in.get("/api/v1/users/me/").status_code == 200


def test_a_bad_file_is_left_out_and_the_others_are_good(alice, api_of, client, own_dir, pass_time):
    kid = keys.read_key(keys.create_key()).kid
    (own_dir / "zzz.pem").write_text("not a key")
    pass_time(331)
    assert [key["kid"] for key in client.get(URL).json()["keys"]] == [kid]
    assert api_of(alice).get("/api/v1/users/me/").status_code == 200


def test_without_any_key_token_checks_are_a_503(alice, api_of, own_dir):
    path = keys.create_key()
    signed_in = api_of(alice)
    path.unlink()
    assert_problem(signed_in.get("/api/v1/users/me/"), 503, "service_unavailable")


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_the_key_set_is_for_reading(client, method):
    assert_problem(getattr(client, method)(URL), 405, "method_not_allowed")


def test_a_token_of_the_older_key_is_still_good(alice, api_of, own_dir):
    keys.create_key()
    signed_in = api_of(alice)
    keys.create_key()
    assert signed_in.get("/api/v1/users/me/").status_code == 200


def test_a_key_is_readable_by_its_owner_alone(own_dir):
    path = keys.create_key()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(own_dir.stat().st_mode) == 0o700


def test_the_command_makes_one_key_and_then_none(own_dir):
    said = StringIO()
    call_command("create_signing_key", stdout=said)
    call_command("create_signing_key", stdout=said)
    assert [line.split(":")[0] for line in said.getvalue().splitlines()] == ["made", "there"]
    assert len(keys.key_paths()) == 1


def test_without_a_key_nothing_is_signed(alice, own_dir):
    with pytest.raises(ImproperlyConfigured, match="SIGNING_KEYS_DIR"):
        sessions.begin_session(user=alice)


@pytest.mark.parametrize(
    "private", [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)], ids=["P-384", "RSA"]
)
def test_only_p_256_keys_are_taken(own_dir, private):
    write(own_dir, "1.pem", private)
    with pytest.raises(ImproperlyConfigured, match="not a P-256 key"):
        keys.read_key(own_dir / "1.pem")
    with pytest.raises(ImproperlyConfigured, match="no"):
        keys.active_key()


def test_a_file_that_is_no_key_is_named_without_its_content(own_dir):
    own_dir.mkdir()
    (own_dir / "broken.pem").write_text("secret text")
    with pytest.raises(ImproperlyConfigured, match=r"broken\.pem") as refused:
        keys.read_key(own_dir / "broken.pem")
    assert "secret text" not in str(refused.value)
