from types import SimpleNamespace

import httpx
import pytest
from django.core.exceptions import ImproperlyConfigured

from common import keys
from common.keys import KeySet, fetch_jwks
from common.problems import Unavailable
from tests.conftest import Issuer


class Source:
    """A key set that can be away, and counts how often it was asked."""

    def __init__(self, *issuers):
        self.issuers, self.asked, self.away = list(issuers), 0, None

    def __call__(self):
        self.asked += 1
        if self.away:
            raise self.away
        return {"keys": [issuer.jwk for issuer in self.issuers]}


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr(keys, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    return now


@pytest.fixture
def source():
    return Source(Issuer("first"))


@pytest.fixture
def key_set(source, clock):
    return KeySet(source)


def test_nothing_is_fetched_before_it_is_needed(key_set, source):
    assert source.asked == 0


def test_a_known_key_costs_one_fetch(key_set, source):
    assert [key_set.get("first").key_id for _ in range(5)] == ["first"] * 5
    assert source.asked == 1


def test_the_set_is_fetched_anew_after_five_minutes(key_set, source, clock):
    key_set.get("first")
    clock.seconds += 299
    key_set.get("first")
    assert source.asked == 1
    clock.seconds += 2
    key_set.get("first")
    assert source.asked == 2


def test_unknown_keys_cost_one_fetch_in_thirty_seconds(key_set, source, clock):
    key_set.get("first")
    clock.seconds += 31
    assert [key_set.get(f"unknown-{number}") for number in range(100)] == [None] * 100
    assert source.asked == 2
    clock.seconds += 29
    key_set.get("unknown")
    assert source.asked == 2
    clock.seconds += 2
    key_set.get("unknown")
    assert source.asked == 3


def test_a_new_key_is_found_when_it_is_asked_for(key_set, source, clock):
    key_set.get("first")
    source.issuers.append(Issuer("second"))
    clock.seconds += 31
    assert key_set.get("second").key_id == "second"


def test_a_key_that_is_withdrawn_is_not_taken_any_more(key_set, source, clock):
    key_set.get("first")
    source.issuers = [Issuer("second")]
    clock.seconds += 301
    assert key_set.get("first") is None


@pytest.mark.parametrize(
    "trouble",
    [httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), ValueError("no JSON"), ImproperlyConfigured("bad PEM")],
    ids=lambda error: type(error).__name__,
)
def test_the_last_good_keys_stay_while_the_source_is_away(key_set, source, clock, trouble):
    key_set.get("first")
    source.away = trouble
    clock.seconds += 3600
    assert [key_set.get("first").key_id for _ in range(5)] == ["first"] * 5
    assert source.asked == 2


def test_a_key_that_may_be_new_is_not_called_unknown_while_the_source_is_away(key_set, source, clock):
    key_set.get("first")
    source.away = httpx.ConnectError("refused")
    clock.seconds += 31
    for _ in range(3):
        with pytest.raises(Unavailable):
            key_set.get("second")
    assert source.asked == 2
    source.away = None
    clock.seconds += 31
    assert key_set.get("second") is None


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"keys": []},
        {"keys": [{"kty": "odd"}]},
        {"keys": "no"},
        {"keys": None},
        {"keys": 5},
        {"keys": ["x"]},
        {"keys": [{}]},
        [],
        [1],
    ],
)
def test_an_answer_that_is_no_key_set_takes_nothing_away(clock, answer):
    answers = [{"keys": [Issuer("first").jwk]}, answer]
    key_set = KeySet(lambda: answers.pop(0))
    key_set.get("first")
    clock.seconds += 301
    assert key_set.get("first").key_id == "first"


def test_without_any_key_nothing_can_be_said(key_set, source):
    source.away = httpx.ConnectError("refused")
    with pytest.raises(Unavailable):
        key_set.get("first")


def test_the_first_key_is_tried_for_once_a_second(key_set, source, clock):
    source.away = httpx.ConnectError("refused")
    for _ in range(5):
        with pytest.raises(Unavailable):
            key_set.get("first")
    assert source.asked == 1
    source.away = None
    clock.seconds += 1.5
    assert key_set.get("first").key_id == "first"


def test_keys_of_kinds_that_are_not_known_do_not_hide_the_others(clock):
    key_set = KeySet(lambda: {"keys": [{"kty": "NEW", "kid": "odd"}, Issuer("first").jwk]})
    assert key_set.get("first").key_id == "first"


def test_parallel_requests_at_the_start_cost_one_fetch(source, in_threads):
    key_set = KeySet(source)
    assert [key.key_id for key in in_threads(8, lambda _: key_set.get("first"))] == ["first"] * 8
    assert source.asked == 1


def test_a_source_that_does_not_listen_is_away(settings):
    settings.JWKS_URL = "http://127.0.0.1:9/jwks.json"
    with pytest.raises(Unavailable):
        KeySet(fetch_jwks).get("first")


@pytest.mark.parametrize(
    ("status", "body"), [(500, b"{}"), (404, b"{}"), (302, b""), (200, b"<html>"), (200, b"[]"), (200, b"\xff")]
)
def test_a_source_that_talks_nonsense_is_away(settings, http_answer, status, body):
    settings.JWKS_URL = http_answer(status, body)
    with pytest.raises(Unavailable):
        KeySet(fetch_jwks).get("first")


def test_a_set_that_is_warm_outlives_its_source(key_set, source):
    key_set.warm()
    source.away = httpx.ConnectError("refused")
    assert key_set.get("first").key_id == "first"
    assert source.asked == 1


def test_warming_waits_for_no_answer_that_is_there(key_set, source):
    key_set.get("first")
    key_set.warm()
    assert source.asked == 1


def test_a_source_that_is_away_at_the_start_is_asked_again(key_set, source, clock):
    source.away = httpx.ConnectError("refused")
    key_set.warm()
    source.away = None
    clock.seconds += 1.5
    assert key_set.get("first").key_id == "first"
