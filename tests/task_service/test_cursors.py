"""A cursor that is not one of ours is a 400, whatever is in it."""

from base64 import urlsafe_b64encode
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ID = "01900000-0000-7000-8000-000000000000"
DAY = "2030-05-01T12:00:00+00:00"


def cursor_of(*content):
    return urlsafe_b64encode(msgspec.json.encode(content)).decode().rstrip("=")


def raw(text):
    return urlsafe_b64encode(text).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "garbage!",
        "äöü",
        "a" * 5000,
        "====",
        "\0",
        raw(b"{}"),
        raw(b"[]"),
        raw(b"null"),
        raw(b"\xff\xfe"),
        raw(b"[" * 5000),
        raw(b'["-created_at",false,"","%s",1]' % ID.encode()),
        cursor_of("-created_at", False, ""),
        cursor_of("-created_at", "no", "", ID),
        cursor_of("-created_at", 0, "", ID),
        cursor_of("-created_at", False, None, ID),
        cursor_of("-created_at", False, "", 7),
        cursor_of("-created_at", False, "", ""),
        cursor_of("-created_at", False, "", "x" * 36),
        cursor_of("-created_at", True, "", "7"),
        cursor_of("-created_at", False, "", f"{ID}\0"),
        cursor_of("created_at", False, "", ID),
        cursor_of("title", False, "x", ID),
    ],
    ids=lambda cursor: cursor[:16],
)
def test_a_cursor_that_is_none_is_refused(alice, errors, cursor):
    assert errors(alice.list(cursor=cursor)) == {"cursor": "invalid"}


@pytest.mark.parametrize(
    ("ordering", "sort"),
    [
        ("due_at", ""), ("due_at", "soon"), ("due_at", "2030-13-01T00:00:00"), ("due_at", "99999-01-01"),
        ("due_at", "\0"), ("-updated_at", "7"), ("-updated_at", "None"), ("updated_at", "2030-05-01T12:00:00+99:99"),
        ("priority", "high"), ("priority", "1.5"), ("priority", ""), ("priority", "None"), ("-priority", "9" * 5000),
        ("title", "a\0b"), ("-title", "\0"),
    ],
    ids=lambda value: value[:20],
)  # fmt: skip
def test_a_cursor_with_a_place_of_another_type_is_refused(alice, errors, ordering, sort):
    for backwards in (False, True):
        cursor = cursor_of(ordering, backwards, sort, ID)
        assert errors(alice.list(cursor=cursor, ordering=ordering)) == {"cursor": "invalid"}


@pytest.mark.parametrize(
    ("ordering", "sort"),
    [("due_at", "0001-01-01T00:00:00+14:00"), ("due_at", "9999-12-31T23:59:59-14:00"),
     ("due_at", "2030-05-01T12:00:00"), ("due_at", "2030-05-01"), ("priority", "-1"),
     ("priority", "9" * 30), ("priority", "-" + "9" * 30), ("title", ""),
     ("title", "x" * 4000)],
    ids=lambda value: value[:20],
)  # fmt: skip
def test_a_cursor_with_a_place_beyond_every_task_is_an_answer_or_a_400(alice, ordering, sort):
    alice.make()
    for backwards in (False, True):
        response = alice.list(cursor=cursor_of(ordering, backwards, sort, ID), ordering=ordering)
        assert response.status_code in (200, 400)


def test_a_cursor_of_another_ordering_is_refused(alice, errors):
    alice.make(), alice.make()
    link = alice.list(page_size=1, ordering="title").json()["next"]
    cursor = parse_qs(urlsplit(link).query)["cursor"][0]
    for ordering in ("-title", "due_at", "created_at", "-created_at"):
        assert errors(alice.list(cursor=cursor, ordering=ordering)) == {"cursor": "invalid"}
    assert errors(alice.list(cursor=cursor)) == {"cursor": "invalid"}


def test_a_cursor_of_alices_shows_charlie_only_what_is_his(alice, charlie):
    for _ in range(3):
        alice.make(title="Hers")
    charlie.make(title="His")
    link = alice.list(page_size=1).json()["next"]
    results = charlie.api.get(link.replace("page_size=1", "page_size=50")).json()["results"]
    assert [task["title"] for task in results] in ([], ["His"])


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ordering=st.sampled_from(["created_at", "-created_at", "-updated_at", "due_at", "priority", "title"]),
    content=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.just(ID) | st.just(DAY),
        lambda inner: st.lists(inner, max_size=4),
        max_leaves=6,
    ),
    backwards=st.booleans(),
    position=st.sampled_from(["all", "sort", "id"]),
)
def test_no_cursor_breaks_the_list(alice, ordering, content, backwards, position):
    made = {"all": content, "sort": [ordering, backwards, content, ID], "id": [ordering, backwards, DAY, content]}
    cursor = raw(msgspec.json.encode(made[position]))
    response = alice.list(ordering=ordering, cursor=cursor)
    assert response.status_code in (200, 400)
