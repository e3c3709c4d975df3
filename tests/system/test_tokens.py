"""Only what user_service has signed opens a door, and it opens while user_service is away."""

import base64
import hashlib
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

PATHS = ["/api/v1/users/me/", "/api/v1/tasks/"]


def encoded(part):
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def parts(token):
    """The header and the claims of a good token."""
    return jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})


def without_algorithm(system, token):
    header, claims = parts(token)
    return f"{encoded(header | {'alg': 'none'})}.{encoded(claims)}."


def with_the_signature_left_out(system, token):
    return f"{token.rpartition('.')[0]}."


def with_another_key(system, token):
    header, claims = parts(token)
    return jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256", headers=header)


def with_an_unknown_key_id(system, token):
    header, claims = parts(token)
    key = ec.generate_private_key(ec.SECP256R1())
    return jwt.encode(claims, key, algorithm="ES256", headers=header | {"kid": "another"})


def with_the_public_key_as_a_secret(system, token):
    header, claims = parts(token)
    public = system.client().get("/.well-known/jwks.json").json()["keys"][0]
    pem = jwt.PyJWK(public).key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signed = f"{encoded(header | {'alg': 'HS256'})}.{encoded(claims)}"
    return f"{signed}.{encoded(hmac.digest(pem, signed.encode(), hashlib.sha256))}"


def with_other_claims(system, token):
    header, _, signature = token.split(".")
    _, claims = parts(token)
    return f"{header}.{encoded(claims | {'username': 'operator'})}.{signature}"


def signed_by_the_service(system, token, **changes):
    header, claims = parts(token)
    pem = next((system.data_dir / "signing_keys").glob("*.pem")).read_bytes()
    return jwt.encode(claims | changes, pem, algorithm="ES256", headers=header)


def run_out(system, token):
    return signed_by_the_service(system, token, iat=int(time.time()) - 900, exp=int(time.time()) - 120)


def for_another_audience(system, token):
    return signed_by_the_service(system, token, aud="another")


def from_another_issuer(system, token):
    return signed_by_the_service(system, token, iss="another")


def that_is_no_access_token(system, token):
    return signed_by_the_service(system, token, token_type="refresh")


FORGERIES = [
    without_algorithm,
    with_the_signature_left_out,
    with_another_key,
    with_an_unknown_key_id,
    with_the_public_key_as_a_secret,
    with_other_claims,
    run_out,
    for_another_audience,
    from_another_issuer,
    that_is_no_access_token,
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("forge", FORGERIES)
def test_a_token_is_refused(system, alice, forge, path):
    forged = forge(system, alice.access)

    answer = system.client().get(path, headers={"Authorization": f"Bearer {forged}"})

    assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", PATHS)
def test_a_token_of_the_same_making_that_is_good_is_taken(system, alice, path):
    """Or the refusals above would prove nothing."""
    token = signed_by_the_service(system, alice.access)

    assert system.client().get(path, headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_task_service_checks_tokens_with_the_keys_that_it_holds_while_user_service_is_away(brokerless):
    """Its one worker has seen a token before."""
    alice = brokerless.register("alice")
    assert alice.get("/api/v1/tasks/").status_code == 200
    with brokerless.suspend("user_service.web"):
        fresh = signed_by_the_service(brokerless, alice.access, jti="unseen")
        answer = alice.get("/api/v1/tasks/", headers={"Authorization": f"Bearer {fresh}"})

    assert answer.status_code == 200
