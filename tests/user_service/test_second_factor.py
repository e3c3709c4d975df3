"""A second factor by the API: Alice turns hers on and off; what is kept of it; each code is good once."""

import pytest
from django.conf import settings as django_settings

from tests.answers import assert_problem, field_errors
from user_service.second_factor import services
from user_service.second_factor.encryption import decrypt
from user_service.second_factor.models import SecondFactor
from user_service.tokens import services as sessions
from user_service.tokens.models import Session

URL = "/api/v1/auth/second-factor/"
CONFIRM = f"{URL}confirm/"
PASSWORD = "correct-horse-9"
LIMIT = django_settings.AXES_FAILURE_LIMIT


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
        assert sign_in("bob").status_code == 200

    def test_who_is_not_signed_in_has_none(self, db, api):
        for ask in (api.get, api.post, api.delete):
            assert_problem(ask(URL), 401, "not_authenticated")
        assert_problem(api.post(CONFIRM), 401, "not_authenticated")

    def test_its_page_in_the_browsable_api_offers_what_may_be_sent(self, alice, api_of):
        page = api_of(alice).get(URL, headers={"accept": "text/html"})
        assert page.status_code == 200
        assert "&quot;password&quot;: &quot;&quot;" in page.content.decode()

    def test_the_state_has_an_etag(self, alice, api_of, app):
        api = api_of(alice)
        before = api.get(URL).headers["ETag"]
        assert api.get(URL, headers={"if-none-match": before}).status_code == 304
        app.guard(alice)
        api = api_of(alice, second_factor=True)
        assert api.get(URL, headers={"if-none-match": before}).status_code == 200


class TestNewRecoveryCodes:
    URL = f"{URL}recovery-codes/"

    def test_a_code_of_the_app_gets_ten_and_the_old_ones_are_void(self, alice, api_of, app):
        old = app.guard(alice)
        answer = api_of(alice, second_factor=True).post(self.URL, {"code": app.code()})
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        new = answer.json()["recovery_codes"]
        assert len({*old, *new}) == 20
        assert [services.use_code(user=alice, code=code) for code in (old[0], new[0], new[0])] == [False, True, False]

    def test_one_of_the_old_ones_gets_them_too(self, alice, api_of, app):
        old, api = app.guard(alice), api_of(alice, second_factor=True)
        assert api.post(self.URL, {"code": old[0]}).status_code == 200
        assert api.get(URL).json()["recovery_codes_left"] == 10

    def test_a_wrong_one_gets_none_and_is_counted(self, alice, api_of, app):
        old, api = app.guard(alice), api_of(alice, second_factor=True)
        assert field_errors(api.post(self.URL, {"code": app.code(5)})) == {"code": "code_incorrect"}
        assert [api.post(self.URL, {"code": app.code(5)}).status_code for _ in range(LIMIT - 1)][-1] == 429
        assert services.use_code(user=alice, code=old[0])

    def test_who_has_no_second_factor_gets_none(self, alice, api_of, app):
        api = api_of(alice)
        assert_problem(api.post(self.URL, {"code": "123456"}), 409, "second_factor_off")
        api.post(URL, {"password": PASSWORD})  # begun is not on
        assert_problem(api.post(self.URL, {"code": "123456"}), 409, "second_factor_off")


class TestTurningOff:
    @pytest.fixture
    def guarded(self, alice, app, api_of):
        app.guard(alice)
        return api_of(alice, second_factor=True)

    def test_it_takes_the_password_and_a_code(self, alice, guarded, app, sign_in):
        other = sessions.begin_session(user=alice, second_factor=True)
        assert guarded.delete(URL, {"password": PASSWORD, "code": app.code()}).status_code == 204
        assert guarded.get(URL).json() == {"enabled": False, "recovery_codes_left": 0}
        with pytest.raises(sessions.RefreshRefused):
            sessions.renew_session(refresh=other.refresh)
        assert Session.objects.alive().get().second_factor is False
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
