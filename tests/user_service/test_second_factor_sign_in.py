"""Signing in with a second factor by the API: Alice has one, Bob has none."""

import jwt
import pytest
from axes.models import AccessAttempt
from django.conf import settings as django_settings
from rest_framework.exceptions import AuthenticationFailed

from tests.answers import assert_problem
from user_service.second_factor.models import SecondFactor
from user_service.tokens import services as sessions
from user_service.tokens.models import Session
from user_service.users import services as users

LIMIT = django_settings.AXES_FAILURE_LIMIT


def claims(response):
    return jwt.decode(response.json()["access"], options={"verify_signature": False})


class TestSigningIn:
    def test_the_password_alone_is_not_enough(self, alice, app, sign_in):
        app.guard(alice)
        assert_problem(sign_in(), 401, "second_factor_required")
        assert sign_in(code="").json()["code"] == "second_factor_required"
        assert not Session.objects.alive().exists()

    def test_a_wrong_password_is_not_asked_for_a_code(self, alice, app, sign_in):
        app.guard(alice)
        assert_problem(sign_in(password="wrong"), 401, "invalid_credentials")
        assert_problem(sign_in(password="wrong", code=app.code()), 401, "invalid_credentials")
        assert sign_in(code=app.code()).status_code == 200  # it was not used up

    def test_with_a_code_it_is_and_the_token_says_so(self, alice, bob, app, sign_in):
        app.guard(alice)
        assert claims(sign_in(code=app.code()))["amr"] == ["pwd", "mfa"]
        assert claims(sign_in("bob"))["amr"] == ["pwd"]

    def test_a_renewed_token_says_so_too(self, alice, app, sign_in, api):
        app.guard(alice)
        refresh = sign_in(code=app.code()).json()["refresh"]
        assert claims(api.post("/api/v1/auth/token/refresh/", {"refresh": refresh}))["amr"] == ["pwd", "mfa"]

    def test_a_code_may_have_spaces(self, alice, app, sign_in):
        app.guard(alice)
        code = app.code()
        assert sign_in(code=f"{code[:3]} {code[3:]}").status_code == 200

    @pytest.mark.parametrize(("steps", "status"), [(-2, 401), (-1, 200), (0, 200), (1, 200), (2, 401)])
    def test_clocks_may_be_off_by_one_step(self, alice, app, sign_in, steps, status):
        app.guard(alice)
        app.wait(5)
        assert sign_in(code=app.code(steps)).status_code == status

    def test_a_code_is_good_once(self, alice, app, sign_in):
        app.guard(alice)
        code = app.code()
        assert sign_in(code=code).status_code == 200
        assert_problem(sign_in(code=code), 401, "invalid_credentials")
        app.wait()
        assert sign_in(code=app.code()).status_code == 200

    def test_after_a_code_no_older_one_is_good(self, alice, app, sign_in):
        app.guard(alice)
        app.wait(5)
        assert sign_in(code=app.code(1)).status_code == 200
        assert [sign_in(code=app.code(steps)).status_code for steps in (-1, 0, 1)] == [401] * 3

    @pytest.mark.parametrize("code", ["12345", "1234567", "\u0661" * 6, "abcdef", "-", "x" * 32])
    def test_a_strange_code_is_wrong(self, alice, app, sign_in, code):
        app.guard(alice)
        assert_problem(sign_in(code=code), 401, "invalid_credentials")

    def test_a_recovery_code_is_good_once_in_any_writing(self, alice, api_of, app, sign_in):
        first, second, *_ = app.guard(alice)
        assert [sign_in(code=first).status_code for _ in range(2)] == [200, 401]
        assert sign_in(code=second.replace("-", " ").lower()).status_code == 200
        assert len(SecondFactor.objects.get().recovery_codes) == 8

    def test_another_person_s_codes_are_of_no_use(self, alice, bob, app, sign_in):
        hers = app.guard(alice)
        app.guard(bob)
        assert sign_in("bob", code=hers[0]).status_code == 401
        assert sign_in(code=app.code()).status_code == 401

    def test_who_has_none_may_send_one(self, alice, sign_in):
        assert sign_in(code="123456").status_code == 200

    def test_who_was_asked_for_none_does_not_get_in_once_it_is_on(self, alice, app):
        app.guard(alice)
        with pytest.raises(AuthenticationFailed):
            sessions.begin_session(user=alice)


class TestGuessing:
    def test_wrong_codes_lock_from_everywhere(self, alice, app, sign_in):
        app.guard(alice)
        answers = [sign_in(code="000000", ip=f"203.0.113.{n}").status_code for n in range(LIMIT)]
        assert answers == [401] * (LIMIT - 1) + [429]
        locked = sign_in(code=app.code(), ip="198.51.100.1")
        assert_problem(locked, 429, "locked_out")
        assert 890 < int(locked.headers["Retry-After"]) <= 900

    def test_a_right_one_forgives(self, alice, app, sign_in):
        app.guard(alice)
        for _ in range(LIMIT - 1):
            sign_in(code="000000")
        assert sign_in(code=app.code()).status_code == 200
        assert not AccessAttempt.objects.exists()

    def test_who_does_not_know_the_password_locks_no_code(self, alice, app, sign_in):
        app.guard(alice)
        for name in ("alice", "Code of alice"):
            for _ in range(LIMIT):
                sign_in(name, "wrong", code="000000")
        assert sign_in(code=app.code(), ip="198.51.100.1").status_code == 200

    def test_no_code_is_kept(self, alice, app, sign_in, caplog):
        app.guard(alice)
        sign_in(code="271828")
        assert "271828" not in f"{list(AccessAttempt.objects.values())} {caplog.text}"


def test_a_new_password_leaves_it_on(alice, app, sign_in):
    app.guard(alice)
    users.set_password(user=alice, password="another-horse-9")
    assert_problem(sign_in(password="another-horse-9"), 401, "second_factor_required")
