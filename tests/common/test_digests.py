"""Digests agree if, and only if, the rows agree."""

from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import xor
from uuid import UUID

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from common import digests
from common.digests import Comparable
from common.ids import uuid7
from common.models import ApiToken

FIELDS = ["user_id", "name", "scopes", "created_at", "revoked_at"]
many = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
NOW = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
TICK = timedelta(microseconds=1)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20) | st.sampled_from(
    ["", " ", "null", '"', "\\", '\\"', "'", "\u2028", "\ufeff", "e\u0301", "\u00e9", "\U0001f600", "a\nb", "[]", ","]
)
moments = st.sampled_from([NOW, NOW + TICK, NOW.replace(microsecond=0), NOW.replace(year=9000)])
states = st.fixed_dictionaries(
    {
        "version": st.integers(0, 2),
        "name": texts,
        "scopes": st.lists(texts, max_size=3),
        "created_at": moments,
        "revoked_at": st.none() | moments,
    }
)
PLAIN = {"version": 1, "name": "a", "scopes": [], "created_at": NOW, "revoked_at": None}


@pytest.fixture
def make(alice):
    def make(key=None, **fields):
        facts = {"id": key or uuid7(), "user": alice, "digest": uuid7().hex, "expires_at": timezone.now()}
        return ApiToken.objects.create(**facts | PLAIN | fields)

    return make


def comparable(**filters):
    return Comparable(ApiToken.objects.filter(**filters), FIELDS)


def digest_of(key):
    (row,) = comparable().among([key])
    return row.digest


@many
@example(PLAIN, PLAIN | {"scopes": [""]})
@example(PLAIN | {"scopes": ["a,b"]}, PLAIN | {"scopes": ["a", "b"]})
@example(PLAIN | {"created_at": NOW}, PLAIN | {"created_at": NOW + TICK})
@example(PLAIN | {"name": "\u00e9"}, PLAIN | {"name": "e\u0301"})
@example(PLAIN, PLAIN)
@given(states, states)
def test_two_states_of_a_row_have_one_digest_if_they_are_one(make, one, other):
    token = make(**one)
    before = digest_of(token.pk)
    ApiToken.objects.filter(pk=token.pk).update(**other)
    assert (digest_of(token.pk) == before) == (one == other)


def test_the_same_facts_under_another_id_are_another_digest(make):
    assert digest_of(make().pk) != digest_of(make().pk)


def test_a_column_that_is_not_compared_makes_no_difference(make):
    token = make()
    before = digest_of(token.pk)
    ApiToken.objects.filter(pk=token.pk).update(last_used_at=NOW)
    assert digest_of(token.pk) == before


class TestRanges:
    """Ten rows, of which a range has three and a page two ranges; ids as rows may have them, not only by time."""

    @pytest.fixture(autouse=True)
    def _small(self, monkeypatch):
        for name, value in {"RANGE": 3, "RANGES": 2, "ROWS": 6}.items():
            monkeypatch.setattr(digests, name, value)

    @pytest.fixture
    def ids(self, make):
        keys = [UUID(int=number) for number in (1, 2, 3, 5, 8, 2**64, 2**127, 2**127 + 1, 2**128 - 2, 2**128 - 1)]
        for key in reversed(keys):
            make(key)
        return keys

    @staticmethod
    def pages(rows):
        start, more = None, True
        while more:
            page = rows.page(start)
            yield start, page
            start, more = page.next, page.next is not None

    def test_pages_tell_each_row_once(self, ids):
        found = [(page.next, [(r.first, r.rows) for r in page.ranges]) for _, page in self.pages(comparable())]
        assert found == [
            (ids[6], [(ids[0], 3), (ids[3], 3)]),
            (None, [(ids[6], 3), (ids[9], 1)]),
        ]

    def test_a_range_is_the_sum_of_its_rows(self, ids):
        first = comparable().page(None).ranges[0]
        assert first.digest == reduce(xor, (digest_of(key) for key in ids[:3]))
        assert [row.id for row in comparable().within(ids[0], ids[3], 100)] == ids[:3]

    def test_a_page_that_ends_with_the_last_row_has_no_next(self, ids):
        ApiToken.objects.filter(pk__in=ids[6:]).delete()
        assert comparable().page(None).next is None

    def test_nothing_has_no_ranges(self, db):
        assert comparable().page(None) == ([], None)
        assert comparable().against(comparable().page(None), None) == [(0, 0)]

    def test_the_same_rows_agree_in_every_window(self, ids):
        for start, page in self.pages(comparable()):
            assert comparable().against(page, start) == [(r.rows, r.digest) for r in page.ranges]

    @pytest.mark.parametrize("gone", range(10))
    def test_a_row_that_is_missing_shows_in_its_window_alone(self, ids, gone):
        without = Comparable(ApiToken.objects.exclude(pk=ids[gone]), FIELDS)
        differing = [
            number
            for start, page in self.pages(comparable())
            for number, (here, there) in enumerate(zip(without.against(page, start), page.ranges, strict=True))
            if here != there[1:]
        ]
        assert len(differing) == 1

    @pytest.mark.parametrize("more", range(10))
    def test_a_row_too_many_shows_wherever_it_lies(self, ids, more):
        source = Comparable(ApiToken.objects.exclude(pk=ids[more]), FIELDS)
        differing = [
            here
            for start, page in self.pages(source)
            for here, there in zip(comparable().against(page, start), page.ranges, strict=True)
            if here != there[1:]
        ]
        assert len(differing) == 1

    def test_a_page_is_one_statement_and_reads_no_more_than_it_tells(self, ids, django_assert_num_queries):
        with django_assert_num_queries(1):
            comparable().page(None)
        with django_assert_num_queries(1):
            comparable().against(digests.Page([], None), None)
