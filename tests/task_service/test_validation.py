"""Honest input: what is unknown, malformed or out of range is a 400 that names it."""

import pytest

from common.ids import uuid7

HUGE = 10**400
NOBODY = "01900000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"titel": "x"}, "unknown"),
        ({"id": NOBODY}, "read_only"),
        ({"version": 7}, "read_only"),
        ({"created_by": NOBODY}, "read_only"),
        ({"completed_at": None}, "read_only"),
        ({"created_at": "2030-01-01T00:00:00Z"}, "read_only"),
        ({"updated_at": "2030-01-01T00:00:00Z"}, "read_only"),
        ({"deleted_at": "2030-01-01T00:00:00Z"}, "read_only"),
        ({"search": "x"}, "unknown"),
        ({"title": ""}, "blank"),
        ({"title": " \t\n"}, "blank"),
        ({"title": None}, "null"),
        ({"title": "x" * 501}, "max_length"),
        ({"title": "a\0b"}, "null_characters_not_allowed"),
        ({"title": ["x"]}, "invalid"),
        ({"title": {"x": 1}}, "invalid"),
        ({"title": True}, "invalid"),
        ({"description": None}, "null"),
        ({"description": "a\0b"}, "null_characters_not_allowed"),
        ({"description": "x" * 100_001}, "max_length"),
        ({"status": "finished"}, "invalid_choice"),
        ({"status": ""}, "invalid_choice"),
        ({"status": None}, "null"),
        ({"status": ["done"]}, "invalid_choice"),
        ({"status": {}}, "invalid_choice"),
        ({"priority": "highest"}, "invalid_choice"),
        ({"priority": 3}, "invalid_choice"),
        ({"priority": HUGE}, "invalid_choice"),
        ({"due_at": "tomorrow"}, "invalid"),
        ({"due_at": "2030-02-30T12:00:00Z"}, "invalid"),
        ({"due_at": ""}, "invalid"),
        ({"due_at": 1_893_456_000}, "invalid"),
        ({"due_at": HUGE}, "invalid"),
        ({"due_at": []}, "invalid"),
        ({"due_at": "10000-01-01T00:00:00Z"}, "invalid"),
        ({"due_at": "0001-01-01T00:00:00Z"}, "min_value"),
        ({"due_at": "0001-01-01T00:00:00+14:00"}, "overflow"),
        ({"due_at": "1899-12-31T23:59:59.999999Z"}, "min_value"),
        ({"due_at": "9000-01-01T00:00:00.000001Z"}, "max_value"),
        ({"due_at": "9999-12-31T23:59:59Z"}, "max_value"),
        ({"due_at": "9999-12-31T23:59:59-14:00"}, "overflow"),
        ({"start_at": "0001-01-01T00:00:00Z"}, "min_value"),
        ({"start_at": "9999-12-31T23:59:59Z"}, "max_value"),
        ({"parent": NOBODY}, "does_not_exist"),
        ({"parent": "my house"}, "invalid"),
        ({"parent": 7}, "does_not_exist"),
        ({"parent": HUGE}, "invalid"),
        ({"parent": True}, "incorrect_type"),
        ({"parent": ["x"]}, "invalid"),
        ({"parent": {"id": NOBODY}}, "invalid"),
        ({"assignees": None}, "null"),
        ({"assignees": "me"}, "not_a_list"),
        ({"assignees": {"me": 1}}, "not_a_list"),
        ({"assignees": 5}, "not_a_list"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_field_is_named_with_its_code(alice, errors, fields, code):
    task = alice.make()
    field = next(iter(fields))
    for response in (alice.create(**fields), alice.patch(task, fields), alice.put(task, {"title": "x"} | fields)):
        assert errors(response) == {field: code}
    assert alice.read(task).json() == task


@pytest.mark.parametrize(
    ("item", "code"),
    [(NOBODY, "does_not_exist"), ("bob", "invalid"), (None, "null"), ([], "invalid"), (HUGE, "invalid")],
    ids=lambda value: str(value)[:10],
)
def test_a_bad_assignee_is_named_by_index(alice, bob, errors, item, code):
    assert errors(alice.create(assignees=[str(bob.id), item])) == {"assignees.1": code}


def test_fifty_people_may_be_assigned_and_no_more(alice, person, errors, django_assert_max_num_queries):
    people = [str(person(f"person{number}").id) for number in range(51)]
    with django_assert_max_num_queries(20):
        assert alice.make(assignees=people[:50])["assignees"] == sorted(people[:50])
    assert errors(alice.create(assignees=people)) == {"assignees": "max_length"}


def test_thousands_of_assignees_cost_no_queries(alice, errors, django_assert_max_num_queries):
    with django_assert_max_num_queries(1):
        assert errors(alice.create(assignees=[str(uuid7())] * 5000)) == {"assignees": "max_length"}


def test_all_bad_fields_are_named_at_once(alice, errors):
    response = alice.create(title="", status="x", due_at="x", parent="x")
    assert errors(response) == {"title": "blank", "status": "invalid_choice", "due_at": "invalid", "parent": "invalid"}
    assert response.json()["code"] == "invalid"


@pytest.mark.parametrize(
    ("title", "length"),
    [("x" * 500, 500), ("ß" * 500, 500), ("\U0001f600" * 500, 500), ("x", 1)],
    ids=["ascii", "two", "four", "one"],
)
def test_a_title_has_up_to_500_characters(alice, title, length):
    assert len(alice.make(title=title)["title"]) == length


@pytest.mark.parametrize("at", ["1900-01-01T00:00:00.000000Z", "9000-01-01T00:00:00.000000Z"])
def test_dates_reach_from_1900_to_9000(alice, at):
    task = alice.make(start_at=at, due_at=at)
    assert (task["start_at"], task["due_at"]) == (at, at)
    assert alice.read(task).json() == task


@pytest.mark.parametrize(
    "body",
    [
        b"{", b'{"title": "x"', b"{'title': 'x'}", b"title=x", b'{"title": NaN}', b'{"title": Infinity}',
        b'{"title": "x", "description": -Infinity}', b'{"title": "\xff"}', b'\xff\xfe{"title": "x"}',
        b'{"title": "x"} {}', b'{"title": ' + b"9" * 5000 + b"}", b"[" * 100_000, b'{"title":' * 50_000,
        b'{"title": "x\n"}',
        rb'{"title": "\ud800"}', rb'{"title": "a\udc00b"}', rb'{"description": "\ude00\ud83d"}', rb'{"\ud800": 1}',
    ],
    ids=lambda body: repr(body[:20]),
)  # fmt: skip
def test_a_body_that_is_not_json_is_a_400_parse_error(alice, body):
    response = alice.api.post("/api/v1/tasks/", body, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (400, "parse_error")


def test_an_empty_body_has_no_title(alice, errors):
    assert errors(alice.api.post("/api/v1/tasks/", b"", content_type="application/json")) == {"title": "required"}


@pytest.mark.parametrize("body", [b"[]", b'[{"title": "x"}]', b'"title"', b"5", b"null", b"true"])
def test_a_body_that_is_no_object_is_a_400(alice, body):
    task = alice.make()
    for send, path in (
        (alice.api.post, "/api/v1/tasks/"),
        (alice.api.patch, alice.url(task)),
        (alice.api.put, alice.url(task)),
    ):
        response = send(path, body, content_type="application/json")
        assert (response.status_code, response.headers["Content-Type"]) == (400, "application/problem+json")
    assert alice.read(task).json() == task


@pytest.mark.parametrize("field", ["status", "priority", "due_at", "parent", "nonsense"])
def test_a_nul_in_any_field_is_a_400_that_names_it(alice, errors, field):
    assert set(errors(alice.create(**{field: "a\0b"}))) == {field}


def test_a_nul_in_an_unknown_fields_name_is_a_400(alice):
    assert alice.create(**{"a\0b": 1}).status_code == 400


def test_a_date_alone_or_without_a_zone_is_utc(alice):
    assert alice.make(due_at="2030-05-01")["due_at"] == "2030-05-01T00:00:00.000000Z"
    assert alice.make(due_at="2030-05-01T12:30:00")["due_at"] == "2030-05-01T12:30:00.000000Z"


def test_another_media_type_is_415(alice):
    response = alice.api.post("/api/v1/tasks/", b"<task/>", content_type="application/xml")
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "path", ["7", "x", "me", "01900000", "01900000-0000-7000-8000-00000000000g", "%00", "%F0%9F%98%80"]
)
def test_a_path_without_a_uuid_is_404(alice, path):
    for response in (
        alice.api.get(f"/api/v1/tasks/{path}/"),
        alice.api.patch(f"/api/v1/tasks/{path}/", {"title": "x"}),
    ):
        assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_a_single_task_takes_no_query_parameters(alice, errors):
    task = alice.make()
    assert errors(alice.api.get(f"{alice.url(task)}?fields=title")) == {"fields": "unknown"}
    assert errors(alice.api.patch(f"{alice.url(task)}?status=done", {"title": "x"})) == {"status": "unknown"}
    assert errors(alice.api.post("/api/v1/tasks/?dry_run=true", {"title": "x"})) == {"dry_run": "unknown"}
