"""What a repair may write, beside the events that come meanwhile."""

from datetime import timedelta

import pytest
from django.utils import timezone

from common.ids import uuid7
from common.mirrors import restore
from common.models import ApiToken

FIELDS = ["user_id", "name", "scopes", "expires_at", "revoked_at"]


@pytest.fixture
def as_told(alice):
    """`as_told(token, version=3)`: the row that the source's event stands for."""

    def row(token, **changes):
        facts = {field.attname: getattr(token, field.attname) for field in ApiToken._meta.concrete_fields}
        return ApiToken(**facts | {"last_used_at": None} | changes)

    return row


@pytest.fixture
def token(alice):
    expires_at = timezone.now() + timedelta(days=1)
    facts = {"user": alice, "name": "backup", "digest": "d", "scopes": ["tasks:read"], "expires_at": expires_at}
    return ApiToken.objects.create(id=uuid7(), version=3, last_used_at=timezone.now(), **facts)


def state(token):
    return ApiToken.objects.values_list("version", "name").get(pk=token.pk)


def test_a_row_that_was_spoilt_is_as_its_source_says(token, as_told):
    ApiToken.objects.filter(pk=token.pk).update(name="spoilt")
    assert restore([as_told(token)], FIELDS) == (0, 1)
    assert state(token) == (3, "backup")


def test_a_row_that_is_older_is_brought_up_to_date(token, as_told):
    assert restore([as_told(token, version=4, name="renamed")], FIELDS) == (0, 1)
    assert state(token) == (4, "renamed")


def test_a_row_that_an_event_has_made_newer_meanwhile_stays(token, as_told):
    assert restore([as_told(token, version=2, name="long ago")], FIELDS) == (0, 0)
    assert state(token) == (3, "backup")


def test_a_row_that_is_not_there_is_made(token, as_told):
    told = as_told(token, id=uuid7(), digest="e")
    assert restore([told, as_told(token)], FIELDS) == (1, 0)
    assert state(told) == (3, "backup")


def test_what_is_our_own_is_not_touched(token, as_told):
    restore([as_told(token, version=4)], FIELDS)
    assert ApiToken.objects.get(pk=token.pk).last_used_at == token.last_used_at


def test_nothing_is_written_where_nothing_differs(token, as_told):
    assert restore([as_told(token)], FIELDS) == (0, 0)
    assert restore([], FIELDS) == (0, 0)
