"""The second factor by the API: Alice turns hers on, signs in with it, turns it off."""

import jwt
import pytest
from axes.models import AccessAttempt
from django.conf import settings as django_settings
from rest_framework.exceptions import AuthenticationFailed

from tests.answers import assert_problem, field_errors
from user_service.second_factor import services
from user_service.second_factor.encryption import decrypt
from user_service.second_factor.models import SecondFactor
from user_service.tokens import services as sessions
from user_service.tokens.models import Session
from user_service.users import services as users

URL = "/api/v1/auth/second-factor/"
CONFIRM = f"{URL}confirm/"
TOKEN = "/api/v1/auth/token/"
PASSWORD = "correct-horse-9"
LIMIT = django_settings.AXES_FAILURE_LIMIT


@pytest.fixture
def sign_in(api):
    def post(password=PASSWORD, username="alice", ip="203.0.113.9", **more):
        body = {"username": username, "password": password} | more
        return api.post(TOKEN, body, headers={"x-forwarded-for": ip})

    return post


def claims(response):
    return jwt.decode(response.json()["access"], options={"verify_signature": False})


class TestTurningOn:
    def test_from_a_password_to_the_recovery_codes(self, alice, api_of, app):
        api = api_of(alice)
        assert api.get(URL).json() == {"enabled": False, "recovery_codes_left": 0}
        begun = api.post(URL, {"password": PASSWORD})
        assert (begun.status_code, begun.headers["Cache-Control"]) == (200, "no-store")
        secret = begun.json()["secret"]
        assert begun.json()["uri"] == f"otpauth://totp/Tandem:alice?secret={secret}&issuer=Tandem"
        assert api.get(URL).json()["enabled"] is False
        app.scan(secret)
        turned_on = api.post(CONFIRM, {"code": app.code()})
        assert turned_on.headers["Cache-Control"] == "no-store"
        codes = turned_on.json()["recovery_codes"]
        assert len(set(codes)) == 10
        assert {len(code) for code in codes} == {19}
        assert api.get(URL).json() == {"enabled": True, "recovery_codes_left": 10}

    def test_it_guards_nothing_before_its_first_code(self, alice, api_of, app, sign_in):
        app.scan(api_of(alice).post(URL, {"password": PASSWORD}).json()["secret"])
        assert sign_in().status_code == 200

    def test_it_takes_the_password(self, alice, api_of):
        assert field_errors(api_of(alice).post(URL, {"password": "wrong"})) == {"password": "password_incorrect"}
        assert not SecondFactor.objects.exists()

    def test_a_wrong_code_turns_nothing_on(self, alice, api_of, app):
        api = api_of(alice)
        app.scan(api.post(URL, {"password": PASSWORD}).json()["secret"])
        assert field_errors(api.post(CONFIRM, {"code": app.code(5)})) == {"code": "code_incorrect"}
        assert api.get(URL).json()["enabled"] is False

    def test_the_first_codes_are_not_guessed_without_end(self, alice, api_of, app):
        api = api_of(alice)
        app.scan(api.post(URL, {"password": PASSWORD}).json()["secret"])
        assert [api.post(CONFIRM, {"code": app.code(5)}).status_code for _ in range(LIMIT)][-1] == 429
        assert_problem(api.post(CONFIRM, {"code": app.code()}), 429, "locked_out")

    def test_it_begins_with_a_secret(self, alice, api_of):
        assert_problem(api_of(alice).post(CONFIRM, {"code": "123456"}), 409, "second_factor_not_begun")

    def test_the_app_of_a_secret_that_was_replaced_is_of_no_use(self, alice, api_of, app):
        api = api_of(alice)
        app.scan(api.post(URL, {"password": PASSWORD}).json()["secret"])
        assert services.use_code(user=alice, code=app.code())
        api.post(URL, {"password": PASSWORD})
        with pytest.raises(services.WrongState):
            services.turn_on(user=alice, session=Session.objects.get().id)
        assert field_errors(api.post(CONFIRM, {"code": app.code(1)})) == {"code": "code_incorrect"}

    def test_one_is_enough(self, alice, app):
        app.guard(alice)
        with pytest.raises(services.WrongState):
            services.begin(user=alice)

    def test_the_other_sessions_end_and_this_one_counts(self, alice, api_of, app):
        api, other = api_of(alice), sessions.begin_session(user=alice)
        app.scan(api.post(URL, {"password": PASSWORD}).json()["secret"])
        api.post(CONFIRM, {"code": app.code()})
        with pytest.raises(sessions.RefreshRefused):
            sessions.renew_session(refresh=other.refresh)
        assert Session.objects.alive().get().second_factor is True

    def test_nobody_else_is_concerned(self, alice, bob, api_of, app, sign_in):
        app.guard(alice)
        assert api_of(bob).get(URL).json() == {"enabled": False, "recovery_codes_left": 0}
        assert sign_in(username="bob").status_code == 200

    def test_who_is_not_signed_in_has_none(self, db, api):
        for ask in (api.get, api.post, api.delete):
            assert_problem(ask(URL), 401, "not_authenticated")
        assert_problem(api.post(CONFIRM), 401, "not_authenticated")

    def test_the_state_has_an_etag(self, alice, api_of, app):
        api = api_of(alice)
        before = api.get(URL).headers["ETag"]
        assert api.get(URL, headers={"if-none-match": before}).status_code == 304
        app.guard(alice)
        api = bearer(sessions.begin_session(user=alice, second_factor=True), api)
        assert api.get(URL, headers={"if-none-match": before}).status_code == 200


def bearer(pair, api):
    api.defaults["HTTP_AUTHORIZATION"] = f"Bearer {pair.access}"
    return api


class TestSigningIn:
    def test_the_password_alone_is_not_enough(self, alice, app, sign_in):
        app.guard(alice)
        assert_problem(sign_in(), 401, "second_factor_required")
        assert sign_in(code="").json()["code"] == "second_factor_required"
        assert not Session.objects.alive().exists()

    def test_a_wrong_password_is_not_asked_for_a_code(self, alice, app, sign_in):
        app.guard(alice)
        assert_problem(sign_in("wrong"), 401, "invalid_credentials")
        assert_problem(sign_in("wrong", code=app.code()), 401, "invalid_credentials")
        assert sign_in(code=app.code()).status_code == 200  # it was not used up

    def test_with_a_code_it_is_and_the_token_says_so(self, alice, bob, app, sign_in):
        app.guard(alice)
        assert claims(sign_in(code=app.code()))["amr"] == ["pwd", "mfa"]
        assert claims(sign_in(username="bob"))["amr"] == ["pwd"]

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
        assert sign_in(username="bob", code=hers[0]).status_code == 401
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
                sign_in("wrong", username=name, code="000000")
        assert sign_in(code=app.code(), ip="198.51.100.1").status_code == 200

    def test_no_code_is_kept(self, alice, app, sign_in, caplog):
        app.guard(alice)
        sign_in(code="271828")
        assert "271828" not in f"{list(AccessAttempt.objects.values())} {caplog.text}"


class TestOperators:
    @pytest.fixture(autouse=True)
    def _need_one(self, settings):
        settings.OPERATORS_NEED_SECOND_FACTOR = True

    def test_without_one_there_are_no_tokens(self, olga, sign_in):
        assert_problem(sign_in(username="olga"), 401, "second_factor_not_set_up")
        assert not Session.objects.exists()

    def test_a_wrong_password_says_nothing_of_it(self, olga, sign_in):
        assert_problem(sign_in("wrong", username="olga"), 401, "invalid_credentials")

    def test_with_one_she_signs_in(self, olga, app, sign_in):
        app.guard(olga)
        assert claims(sign_in(username="olga", code=app.code()))["amr"] == ["pwd", "mfa"]

    def test_people_need_none(self, alice, sign_in):
        assert sign_in().status_code == 200


class TestTurningOff:
    @pytest.fixture
    def guarded(self, alice, app, api):
        app.guard(alice)
        return bearer(sessions.begin_session(user=alice, second_factor=True), api)

    def test_it_takes_the_password_and_a_code(self, alice, guarded, app, sign_in):
        other = sessions.begin_session(user=alice, second_factor=True)
        assert guarded.delete(URL, {"password": PASSWORD, "code": app.code()}).status_code == 204
        assert guarded.get(URL).json() == {"enabled": False, "recovery_codes_left": 0}
        with pytest.raises(sessions.RefreshRefused):
            sessions.renew_session(refresh=other.refresh)
        assert Session.objects.alive().get().second_factor is False
        del guarded.defaults["HTTP_AUTHORIZATION"]
        assert sign_in().status_code == 200

    def test_neither_alone_is_enough_and_a_wrong_password_uses_no_code(self, guarded, app):
        wrong = guarded.delete(URL, {"password": "wrong", "code": app.code()})
        assert field_errors(wrong) == {"password": "password_incorrect"}
        assert field_errors(guarded.delete(URL, {"password": PASSWORD, "code": "000000"})) == {"code": "code_incorrect"}
        assert field_errors(guarded.delete(URL)) == {"password": "required", "code": "required"}
        assert guarded.delete(URL, {"password": PASSWORD, "code": app.code()}).status_code == 204

    def test_what_is_not_on_is_not_turned_off(self, alice, api_of):
        response = api_of(alice).delete(URL, {"password": PASSWORD, "code": "123456"})
        assert_problem(response, 409, "second_factor_off")


class TestWhatIsKept:
    def test_the_secret_is_encrypted_and_recovery_codes_are_hashed(self, alice, app):
        codes = app.guard(alice)
        row = str(SecondFactor.objects.values().get())
        assert app.totp.secret not in row
        assert not any(code in row or code.replace("-", "") in row for code in codes)
        assert decrypt(SecondFactor.objects.get().secret) == app.totp.secret

    def test_under_another_secret_key_recovery_codes_still_work(self, alice, app, sign_in, settings):
        codes = app.guard(alice)
        settings.SECRET_KEY = "another-secret-key-of-the-service"
        assert sign_in(code=app.code()).status_code == 401
        assert sign_in(code=codes[0]).status_code == 200

    def test_what_another_secret_key_began_is_begun_again(self, alice, api_of, settings):
        services.begin(user=alice)
        api = api_of(alice)
        settings.SECRET_KEY = "another-secret-key-of-the-service"
        assert_problem(api.post(CONFIRM, {"code": "123456"}), 409, "second_factor_not_begun")
        assert api.post(URL, {"password": PASSWORD}).status_code == 200


@pytest.mark.django_db(transaction=True)
class TestParallel:
    @pytest.fixture
    def guarded(self, register, app):
        person = register("alice")
        return person, app.guard(person)

    def test_of_twenty_with_one_code_one_gets_in(self, guarded, app, in_threads):
        person, _ = guarded
        code = app.code()
        assert sorted(in_threads(20, lambda _: services.use_code(user=person, code=code))) == [False] * 19 + [True]

    def test_of_twenty_with_one_recovery_code_one_gets_in(self, guarded, in_threads):
        person, codes = guarded
        used = in_threads(20, lambda _: services.use_code(user=person, code=codes[0]))
        assert sorted(used) == [False] * 19 + [True]
        assert len(SecondFactor.objects.get().recovery_codes) == 9

    def test_ten_recovery_codes_at_once_are_all_used_up(self, guarded, in_threads):
        person, codes = guarded
        assert in_threads(10, lambda n: services.use_code(user=person, code=codes[n])) == [True] * 10
        assert SecondFactor.objects.get().recovery_codes == []


def test_a_new_password_leaves_it_on(alice, app, sign_in):
    app.guard(alice)
    users.set_password(user=alice, password="another-horse-9")
    assert_problem(sign_in("another-horse-9"), 401, "second_factor_required")
