import base64
import hashlib
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from rest_framework_simplejwt.exceptions import TokenError

from common import authentication
from tests.answers import assert_problem
from tests.conftest import Issuer

URL = "/api/who/"


@pytest.fixture
def ask(api):
    return lambda token: api.get(URL, headers={"authorization": f"Bearer {token}"})


def encoded(part):
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def signed_with_public_key(issuer, claims):
    """The algorithm confusion: HMAC with the public key, which everybody has."""
    pem = issuer.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head = f"{encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': issuer.kid})}.{encoded(claims)}"
    return f"{head}.{encoded(hmac.digest(pem, head.encode(), hashlib.sha256))}"


def tampered(token, **changes):
    head, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return f"{head}.{encoded(claims | changes)}.{signature}"


FORGERIES = {
    "alg none": lambda i, p: jwt.encode(i.claims(p), None, algorithm="none", headers={"kid": i.kid}),
    "alg none, no signature": lambda i, p: f"{encoded({'alg': 'None', 'kid': i.kid})}.{encoded(i.claims(p))}.",
    "public key as secret": lambda i, p: signed_with_public_key(i, i.claims(p)),
    "key of its own": lambda i, p: Issuer(kid=i.kid).token(p),
    "key of its own in the header": lambda i, p: (
        lambda forger: forger.token(p, headers={"kid": i.kid, "jwk": forger.jwk, "jku": "https://evil.example/jwks"})
    )(Issuer(kid=i.kid)),
    "other audience": lambda i, p: i.token(p, aud="elsewhere"),
    "no audience": lambda i, p: i.token(p, aud=None),
    "other issuer": lambda i, p: i.token(p, iss="tandem.task_service"),
    "no issuer": lambda i, p: i.token(p, iss=None),
    "expired": lambda i, p: i.token(p, exp=int(time.time()) - 60),
    "no expiry": lambda i, p: i.token(p, exp=None),
    "not yet": lambda i, p: i.token(p, nbf=int(time.time()) + 3600),
    "from the future": lambda i, p: i.token(p, iat=int(time.time()) + 3600),
    "refresh token": lambda i, p: i.token(p, token_type="refresh"),
    "no type": lambda i, p: i.token(p, token_type=None),
    "no person": lambda i, p: i.token(p, sub=None),
    "person that is no UUID": lambda i, p: i.token(p, sub="olga"),
    "no sign-in": lambda i, p: i.token(p, sid=None),
    "sign-in that is a list": lambda i, p: i.token(p, sid=[]),
    "signature of zeros": lambda i, p: f"{i.token(p).rpartition('.')[0]}.{encoded(bytes(64))}",
    "unknown kid": lambda i, p: i.token(p, headers={"kid": "unknown"}),
    "kid that walks": lambda i, p: i.token(p, headers={"kid": "../../x"}),
    "kid that is a path": lambda i, p: i.token(p, headers={"kid": "/dev/null"}),
    "no kid": lambda i, p: i.token(p, headers={}),
    "empty kid": lambda i, p: i.token(p, headers={"kid": ""}),
    "unknown crit": lambda i, p: i.token(p, headers={"kid": i.kid, "crit": ["b64"], "b64": False}),
    "other person": lambda i, p: tampered(i.token(p), username="olga"),
    "more time": lambda i, p: tampered(i.token(p), exp=int(time.time()) + 86_400),
    "cut": lambda i, p: i.token(p)[:-10],
    "two parts": lambda i, p: i.token(p).rpartition(".")[0],
    "rubbish": lambda i, p: "rubbish",
    "dots": lambda i, p: "..",
    "no JSON": lambda i, p: f"{encoded(b'{')}.{encoded(b'{')}.{encoded(b'x')}",
    "header that is a list": lambda i, p: f"{encoded([])}.{encoded({})}.{encoded(b'x')}",
    "header that is deep": lambda i, p: f"{encoded(b'[' * 3000)}.{encoded({})}.{encoded(b'x')}",
    "kid that is a number": lambda i, p: f"{encoded({'alg': 'ES256', 'kid': 5})}.{encoded({})}.{encoded(b'x')}",
    "kid that is a list": lambda i, p: f"{encoded({'alg': 'ES256', 'kid': ['k']})}.{encoded({})}.{encoded(b'x')}",
}


def test_a_token_of_the_issuer_signs_in(alice, issuer, ask):
    assert ask(issuer.token(alice)).json() == {"username": "alice", "id": str(alice.id)}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_token_is_refused(alice, issuer, ask, forgery):
    response = ask(FORGERIES[forgery](issuer, alice))
    assert_problem(response, 401, "token_not_valid")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_refused_token_stays_refused_when_it_comes_again(alice, issuer, ask):
    forged = tampered(issuer.token(alice), username="olga")
    assert [ask(forged).status_code for _ in range(2)] == [401, 401]


def test_a_clock_that_is_a_little_behind_is_forgiven(alice, issuer, ask):
    assert ask(issuer.token(alice, exp=int(time.time()) - 20)).status_code == 200


@pytest.mark.parametrize("header", ["Bearer", "Bearer a b", "Bearer \u00e9"])
def test_a_malformed_header_is_refused(db, issuer, api, header):
    assert api.get(URL, headers={"authorization": header}).status_code == 401


@pytest.mark.parametrize("header", ["", "Basic YWxpY2U6eA==", "Token abc"])
def test_another_scheme_is_not_signed_in(db, issuer, api, header):
    assert_problem(api.get(URL, headers={"authorization": header}), 401, "not_authenticated")


def test_a_token_in_the_url_is_not_looked_at(alice, issuer, api):
    assert api.get(f"{URL}?access_token={issuer.token(alice)}").status_code == 401


def test_without_any_key_the_answer_is_503_not_401(alice, issuer, ask, monkeypatch):
    from common.keys import key_set

    monkeypatch.setattr(key_set, "fetch", dict)
    response = ask(issuer.token(alice))
    assert_problem(response, 503, "service_unavailable")
    assert int(response.headers["Retry-After"]) > 0


class TestVerifiedTokens:
    def test_a_token_is_checked_once(self, alice, issuer, ask, monkeypatch):
        checks = []
        check = authentication.AccessToken.__init__
        monkeypatch.setattr(
            authentication.AccessToken, "__init__", lambda self, *given: checks.append(1) or check(self, *given)
        )
        token = issuer.token(alice)
        assert [ask(token).status_code for _ in range(3)] == [200, 200, 200]
        assert len(checks) == 1

    def test_the_cache_is_bounded(self, alice, issuer, monkeypatch):
        monkeypatch.setattr(authentication, "CACHED_TOKENS", 3)
        for _ in range(5):
            authentication.verify(issuer.token(alice).encode())
        assert len(authentication._verified) == 3

    def test_the_newest_stay(self, alice, issuer, monkeypatch):
        monkeypatch.setattr(authentication, "CACHED_TOKENS", 2)
        tokens = [issuer.token(alice).encode() for _ in range(4)]
        for token in tokens:
            authentication.verify(token)
        assert list(authentication._verified) == tokens[2:]

    def test_a_cached_token_never_outlives_its_expiry(self, alice, issuer):
        raw = issuer.token(alice, exp=int(time.time()) - 60).encode()
        remembered = authentication.verify(issuer.token(alice).encode())
        remembered.payload["exp"] = int(time.time()) - 60
        authentication._verified[raw] = issuer.kid, remembered
        with pytest.raises(TokenError):
            authentication.verify(raw)

    def test_a_cached_token_does_not_outlive_its_key(self, alice, issuer, monkeypatch):
        raw = issuer.token(alice).encode()
        authentication.verify(raw)
        monkeypatch.setattr(authentication.key_set, "keys", {"another": None})
        with pytest.raises(TokenError):
            authentication.verify(raw)

    def test_what_was_refused_is_not_remembered(self, issuer):
        with pytest.raises(TokenError):
            authentication.verify(b"rubbish")
        assert authentication._verified == {}


class TestCookie:
    @pytest.fixture
    def browser(self, api):
        def ask(token, accept="text/html", method="get"):
            api.cookies["tandem_access"] = token
            return getattr(api, method)(URL, headers={"accept": accept})

        return ask

    def test_it_signs_in(self, alice, issuer, browser):
        assert browser(issuer.token(alice), accept="application/json").json()["username"] == "alice"

    def test_it_shows_the_browsable_api(self, alice, issuer, browser):
        page = browser(issuer.token(alice))
        assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert "alice" in page.content.decode()

    def test_no_cache_keeps_what_it_shows(self, alice, issuer, browser):
        assert browser(issuer.token(alice)).headers["Cache-Control"] == "no-store"
        json = browser(issuer.token(alice), accept="application/json")
        assert json.headers["Cache-Control"] == "private, no-cache"

    def test_it_does_not_write_without_the_csrf_token(self, alice, issuer, api):
        api.handler.enforce_csrf_checks = True
        api.cookies["tandem_access"] = issuer.token(alice)
        assert_problem(api.post(URL, {}), 403, "csrf_failed")

    def test_a_header_needs_no_csrf_token(self, alice, issuer, api):
        api.handler.enforce_csrf_checks = True
        assert api.post(URL, {}, headers={"authorization": f"Bearer {issuer.token(alice)}"}).status_code == 201

    def test_expired_it_sends_a_browser_to_the_sign_in(self, alice, issuer, browser):
        response = browser(issuer.token(alice, exp=int(time.time()) - 60))
        assert response.headers["Location"] == "/login/?next=%2Fapi%2Fwho%2F"

    def test_expired_it_sends_nobody_else_anywhere(self, alice, issuer, browser):
        expired = issuer.token(alice, exp=int(time.time()) - 60)
        assert browser(expired, accept="application/json").status_code == 401
        assert browser(expired, accept="application/json", method="post").status_code == 401

    def test_expired_under_a_form_it_takes_the_form_along(self, alice, issuer, browser):
        response = browser(issuer.token(alice, exp=int(time.time()) - 60), method="post")
        assert (response.status_code, response.headers["Location"]) == (307, "/login/renew/?next=%2Fapi%2Fwho%2F")

    @pytest.mark.parametrize("forgery", FORGERIES)
    def test_forged_it_signs_nobody_in(self, alice, issuer, browser, forgery):
        response = browser(FORGERIES[forgery](issuer, alice), accept="application/json")
        assert_problem(response, 401, "not_authenticated")

    def test_a_forged_one_that_is_not_expired_is_not_renewed_for_ever(self, alice, issuer, browser):
        assert browser(Issuer(kid=issuer.kid).token(alice)).status_code == 401

    @pytest.mark.parametrize(
        "payload", [{"exp": "abc"}, {"exp": None}, {"exp": []}, {"exp": {}}, {}, [], "x", None, b"{", b"[" * 3000]
    )
    def test_a_crafted_one_is_not_renewed(self, db, issuer, browser, payload):
        head = encoded({"alg": "ES256", "kid": issuer.kid})
        assert browser(f"{head}.{encoded(payload)}.{encoded(b'x')}").status_code == 401

    def test_a_wrong_header_is_not_made_good_by_a_good_cookie(self, alice, issuer, api):
        api.cookies["tandem_access"] = issuer.token(alice)
        assert api.get(URL, headers={"authorization": "Bearer rubbish"}).status_code == 401
