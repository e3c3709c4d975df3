"""A POST with an Idempotency-Key has its effect once, and who repeats it is given the same answer."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.db.models.functions import Now
from django.urls import URLPattern
from rest_framework.test import APIClient, APIRequestFactory

from common import idempotency
from common.management.commands import relay_events
from common.models import IdempotencyKey
from tests.answers import assert_problem, field_errors

URL, EMPTY = "/api/groups/", "/api/groups/empty/"
SAME = ("Location", "ETag", "Cache-Control", "Content-Type", "Content-Length")


@pytest.fixture
def post(db, api):
    """`post("readers")` asks for a group, by default with the key `k`."""

    def send(name="readers", key="k", by=api, url=URL):
        return by.post(url, {"name": name}, headers={"idempotency-key": key})

    return send


@pytest.fixture
def signed_in(issuer):
    return lambda person: APIClient(headers={"authorization": f"Bearer {issuer.token(person)}"})


def groups():
    return sorted(Group.objects.values_list("name", flat=True))


def age(**how_old):
    IdempotencyKey.objects.update(created_at=Now() - timedelta(**how_old))


class TestReplay:
    def test_it_is_the_same_answer_byte_for_byte(self, post):
        first, again = post(), post()
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.content == first.content
        assert {name: again.headers[name] for name in SAME} == {name: first.headers[name] for name in SAME}
        assert groups() == ["readers"]

    def test_it_says_that_it_is_one(self, post):
        assert ["Idempotency-Replayed" in post().headers for _ in range(3)] == [False, True, True]
        assert post().headers["Idempotency-Replayed"] == "true"

    def test_it_has_a_request_id_of_its_own(self, post):
        assert post().headers["X-Request-ID"] != post().headers["X-Request-ID"]

    def test_an_answer_without_a_body_is_one_too(self, post):
        first, again = post(url=EMPTY), post(url=EMPTY)
        assert [(each.status_code, each.content) for each in (first, again)] == [(204, b"")] * 2
        assert "Content-Type" not in again.headers
        assert groups() == ["readers"]

    def test_a_page_of_the_browsable_api_shows_it_as_well(self, post):
        first = post()
        page = APIClient(headers={"accept": "text/html"})
        again = post(by=page)
        assert (again.status_code, again.headers["Idempotency-Replayed"]) == (201, "true")
        assert first.json()["name"] in again.content.decode()
        assert groups() == ["readers"]

    def test_it_ends_after_a_day_whether_the_row_is_purged_or_not(self, post):
        post("first")
        age(hours=23)
        assert post("first").headers["Idempotency-Replayed"] == "true"
        age(hours=25)
        assert "Idempotency-Replayed" not in post("second").headers
        assert post("second").headers["Idempotency-Replayed"] == "true"
        assert groups() == ["first", "second"]


class TestWhatAKeyBelongsTo:
    def test_another_body_is_refused(self, post):
        post("readers")
        assert_problem(post("writers"), 422, "idempotency_key_reused")
        assert groups() == ["readers"]

    @pytest.mark.parametrize("url", [EMPTY, f"{URL}?format=json"])
    def test_another_address_is_refused(self, post, url):
        post()
        assert_problem(post(url=url), 422, "idempotency_key_reused")

    def test_other_keys_are_other_calls(self, post):
        assert [post(name, key=name).status_code for name in ("readers", "writers")] == [201, 201]
        assert groups() == ["readers", "writers"]

    def test_a_person_has_their_own_and_who_is_not_signed_in_another(self, post, alice, signed_in):
        for again in (False, True):
            answers = [post("hers", by=signed_in(alice)), post("nobody's")]
            assert [answer.status_code for answer in answers] == [201, 201]
            assert [("Idempotency-Replayed" in answer.headers) for answer in answers] == [again, again]
        assert groups() == ["hers", "nobody's"]

    def test_a_person_has_it_whichever_sign_in_they_use(self, post, alice, signed_in):
        assert post(by=signed_in(alice)).content == post(by=signed_in(alice)).content

    def test_a_token_that_is_no_good_is_given_nothing(self, post, alice, issuer, signed_in):
        post(by=signed_in(alice))
        expired = APIClient(headers={"authorization": f"Bearer {issuer.token(alice, exp=1)}"})
        assert_problem(post(by=expired), 401, "token_not_valid")

    def test_other_methods_take_no_notice_of_it(self, api, alice, signed_in):
        for _ in range(2):
            assert signed_in(alice).get("/api/who/", headers={"idempotency-key": "k"}).status_code == 200
        assert not IdempotencyKey.objects.exists()
        assert_problem(signed_in(alice).put(URL, headers={"idempotency-key": "k"}), 405, "method_not_allowed")

    def test_a_post_that_there_is_none_of_is_not_allowed_with_it_either(self, api, db):
        view = "/api/raises/missing/"
        assert_problem(api.post(view, headers={"idempotency-key": "k"}), 405, "method_not_allowed")


class TestWhatFails:
    @pytest.mark.parametrize(("name", "status"), [("invalid", 400), ("forbidden", 403), ("missing", 404)])
    def test_a_refusal_is_not_kept_but_what_was_done_before_it_is(self, transactional_db, post, name, status):
        assert post(name).status_code == status
        assert groups() == [name]
        assert not IdempotencyKey.objects.exists()
        assert post("readers").status_code == 201

    @pytest.mark.parametrize(("name", "status"), [("broken", 500), ("database", 503)])
    def test_a_failure_is_rolled_back_and_leaves_the_key_free(self, transactional_db, post, name, status):
        assert post(name).status_code == status
        assert groups() == []
        assert post("readers").status_code == 201

    def test_an_answer_that_can_not_be_kept_undoes_its_effect(self, transactional_db, post, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr(idempotency, "_cipher", lambda said: 1 / 0)
            assert post().status_code == 500
        assert groups() == []
        assert post().status_code == 201

    @pytest.mark.parametrize("key", ["", "k" * 256, "tab\tin it", "null\0in it", "\x7f"])
    def test_a_malformed_key_is_refused(self, post, key):
        response = post(key=key)
        assert field_errors(response) == {"Idempotency-Key": "invalid"}
        assert groups() == []

    @pytest.mark.parametrize("key", ["k", "k" * 255, '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "ключ"])
    def test_a_key_may_be_any_other_text(self, post, key):
        assert [post(key=key.encode().decode("latin-1")).status_code for _ in range(2)] == [201, 201]
        assert groups() == ["readers"]


def test_nobody_reads_from_the_table_what_was_asked_or_answered(post):
    post("a secret name", key="a secret key")
    kept = str(IdempotencyKey.objects.values()[0])
    assert "secret" not in kept
    said = b'a secret key\n/api/groups/\n{"name":"a secret name"}'
    assert idempotency._fingerprint(said) in kept
    assert idempotency.sha256(said).hexdigest() not in kept


def test_with_another_secret_key_nothing_is_given_and_nothing_done_twice(post, settings):
    post()
    settings.SECRET_KEY = "another"
    assert_problem(post(), 422, "idempotency_key_reused")
    assert groups() == ["readers"]


def test_of_many_at_once_one_has_the_effect(transactional_db, in_threads, post):
    answers = in_threads(50, lambda _: post(by=APIClient()))
    made = [answer for answer in answers if answer.status_code == 201]
    busy = [answer for answer in answers if answer.status_code == 409]
    assert len(made) + len(busy) == 50
    assert len({answer.content for answer in made}) == 1
    assert [("Idempotency-Replayed" in answer.headers) for answer in made].count(False) == 1
    for answer in busy:
        assert_problem(answer, 409, "idempotency_in_progress")
        assert answer.headers["Retry-After"] == "1"
    assert groups() == ["readers"]


def test_the_relay_purges_what_is_older_than_a_day(post, monkeypatch):
    relay = relay_events.Relay(publisher=None)
    post()
    relay.purge()
    assert IdempotencyKey.objects.count() == 1
    age(hours=25)
    relay.purge()
    assert IdempotencyKey.objects.count() == 0


def api_posts(patterns, prefix=""):
    """Yield path and view of everything that a POST by the API may go to, by the service's own URLs."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if not isinstance(pattern, URLPattern):
            yield from api_posts(pattern.url_patterns, path)
        elif hasattr(getattr(pattern.callback, "cls", None), "post") or "post" in actions(pattern.callback):
            yield path, pattern.callback


def actions(view):
    return getattr(view, "actions", None) or {}


def test_every_post_of_the_api_takes_a_key(db):
    found = dict(api_posts(import_module(f"{settings.SERVICE}.urls").urlpatterns))
    public = {path: view for path, view in found.items() if not path.startswith("internal/")}  # the peers' own door
    assert len(public) >= 3
    for path, view in public.items():
        response = view(APIRequestFactory().post("/", headers={"idempotency-key": ""})).render()
        assert response.status_code == 400, path
        assert b"Idempotency-Key" in response.content, path
