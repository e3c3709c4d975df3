"""Every filter of the task list, alone and together, and the search."""

import pytest

from task_service.tasks.filters import TaskFilter
from task_service.tasks.models import Task

PAST, SOON, LATER = "2020-05-01T12:00:00Z", "2090-05-01T12:00:00Z", "2091-05-01T12:00:00Z"


@pytest.fixture
def tasks(alice, bob, charlie):
    """What Alice and Bob see; Charlie has one of his own, which never shows up for them."""
    charlie.make(title="Secret", status="done", priority="high", due_at=PAST)
    house = alice.make(title="House")
    made = {
        "house": house,
        "paint": alice.make(title="Paint", status="in_progress", priority="high", due_at=PAST, parent=house["id"]),
        "plant": alice.make(title="Plant", due_at=SOON, parent=house["id"], assignees=[str(bob.id)]),
        "done": alice.make(title="Done", status="done", priority="low", due_at=PAST, assignees=[str(alice.id)]),
        "off": bob.make(title="Off", status="cancelled", due_at=PAST, assignees=[str(alice.id), str(bob.id)]),
    }
    trash = alice.make(title="Trash", priority="high")
    alice.delete(trash)
    return made


@pytest.mark.parametrize(
    ("parameters", "titles"),
    [
        ({}, "House Paint Plant Done Off"),
        ({"status": "todo"}, "House Plant"),
        ({"status": "todo,in_progress"}, "House Paint Plant"),
        ({"status": "done,cancelled"}, "Done Off"),
        ({"status": "todo,todo"}, "House Plant"),
        ({"priority": "high"}, "Paint"),
        ({"priority": "high,low"}, "Paint Done"),
        ({"priority": "urgent"}, ""),
        ({"assignee": "me"}, "Done Off"),
        ({"created_by": "me"}, "House Paint Plant Done"),
        ({"due_before": SOON}, "Paint Done Off"),
        ({"due_before": PAST}, ""),
        ({"due_after": PAST}, "Plant"),
        ({"due_after": "2020-05-01T11:59:59Z", "due_before": "2020-05-01T14:00:01+02:00"}, "Paint Done Off"),
        ({"due_before": "2030-01-01"}, "Paint Done Off"),
        ({"overdue": "true"}, "Paint"),
        ({"overdue": "false"}, "House Plant Done Off"),
        ({"trashed": "true"}, "Trash"),
        ({"trashed": "false"}, "House Paint Plant Done Off"),
        ({"trashed": "true", "priority": "high"}, "Trash"),
        ({"trashed": "true", "status": "done"}, ""),
        ({"status": "todo", "due_after": PAST, "created_by": "me"}, "Plant"),
        ({"assignee": "me", "created_by": "me"}, "Done"),
        ({"overdue": "true", "priority": "high", "status": "in_progress", "search": "paint"}, "Paint"),
        ({"status": "", "assignee": "", "due_before": "", "overdue": "", "search": ""}, "House Paint Plant Done Off"),
    ],
    ids=str,
)  # fmt: skip
def test_a_filter_leaves_what_it_says(alice, tasks, parameters, titles):
    assert alice.titles(ordering="created_at", **parameters) == titles.split()
    assert alice.list(with_count="true", **parameters).json()["count"] == len(titles.split())


def test_what_is_not_overdue_is_asked_of_the_row_alone():
    query = TaskFilter({"overdue": "false"}, queryset=Task.objects.all()).qs.query
    assert str(query).count("SELECT") == 1


def test_people_are_named_by_id_or_me(alice, bob, charlie, tasks):
    assert alice.titles(assignee=str(bob.id)) == ["Off", "Plant"] == bob.titles(assignee="me")
    assert alice.titles(created_by=str(bob.id)) == ["Off"] == bob.titles(created_by="me")
    assert bob.titles(created_by=str(alice.id)) == ["Plant"]
    assert alice.titles(assignee=str(charlie.id)) == alice.titles(created_by=str(charlie.id)) == []
    assert charlie.titles(assignee=str(bob.id)) == charlie.titles(created_by=str(alice.id)) == []


def test_children_are_found_by_their_parent(alice, bob, charlie, tasks):
    house = tasks["house"]["id"]
    assert [who.titles(parent=house) for who in (alice, bob, charlie)] == [["Plant", "Paint"], ["Plant"], []]


def test_what_changed_since_is_found(alice, tasks):
    since = alice.patch(tasks["paint"], {"title": "Paint!"}).json()["updated_at"]
    alice.patch(tasks["done"], {"title": "Done!"})
    assert alice.titles(updated_after=since) == ["Done!"]
    assert alice.titles(updated_after="2020-01-01T00:00:00Z", ordering="updated_at") == [
        "House",
        "Plant",
        "Off",
        "Paint!",
        "Done!",
    ]


def test_filters_hold_on_every_page(alice, tasks):
    page = alice.list(status="todo,in_progress", page_size=2).json()
    rest = alice.api.get(page["next"]).json()
    assert [task["title"] for task in page["results"] + rest["results"]] == ["Plant", "Paint", "House"]
    assert rest["next"] is None
    back = alice.api.get(rest["previous"]).json()
    assert back["results"] == page["results"]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("status", "open", "invalid_choice"),
        ("status", "todo,open", "invalid_choice"),
        ("status", "todo done", "invalid_choice"),
        ("priority", "1", "invalid_choice"),
        ("assignee", "bob", "invalid"),
        ("assignee", "me,you", "invalid"),
        ("assignee", "\0", None),
        ("created_by", "Me", "invalid"),
        ("parent", "7", "invalid"),
        ("parent", "me", "invalid"),
        ("due_before", "tomorrow", "invalid"),
        ("due_before", "2030-13-01T00:00:00Z", "invalid"),
        ("due_after", "2030-05-01T12:00:00 02:00", "invalid"),
        ("updated_after", "7", "invalid"),
        ("updated_after", "99999-01-01T00:00:00Z", "invalid"),
        ("overdue", "maybe", "invalid_choice"),
        ("overdue", "2", "invalid_choice"),
        ("trashed", "all", "invalid_choice"),
        ("trashed", "None", "invalid_choice"),
        ("search", "x" * 501, "max_length"),
        ("search", "a\0b", "null_characters_not_allowed"),
        ("colour", "green", "unknown"),
        ("", "x", None),
        ("Status", "todo", "unknown"),
        ("title", "x", "unknown"),
        ("deleted_at", "x", "unknown"),
    ],
)
def test_a_filter_that_is_malformed_or_unknown_is_refused(alice, errors, name, value, code):
    alice.make()
    found = errors(alice.list(**{name: value}))
    assert list(found) == [name or "non_field_errors"]
    assert code in (None, found.get(name))


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
@pytest.mark.parametrize("name", ["due_before", "due_after", "updated_after"])
def test_the_ends_of_time_are_an_answer_or_a_400(alice, name, at):
    alice.make(due_at=SOON)
    assert alice.list(**{name: at}).status_code in (200, 400)


@pytest.mark.parametrize(
    "query", ["status=todo&status=done", "page_size=1&page_size=2", "cursor=&cursor=", "search=a&search=b"]
)
def test_a_parameter_given_twice_is_refused(alice, errors, query):
    name = query.partition("=")[0]
    assert errors(alice.api.get(f"/api/v1/tasks/?{query}")) == {name: "repeated"}


def test_all_bad_parameters_are_named_at_once(alice, errors):
    assert errors(alice.list(colour="x", size="y")) == {"colour": "unknown", "size": "unknown"}
    assert errors(alice.list(status="x", parent="y")) == {"status": "invalid_choice", "parent": "invalid"}


@pytest.fixture
def library(alice, bob, charlie):
    alice.make(title="Paint the garden fence", description="Two coats of green, says Bob.")
    alice.make(title="Painting lessons", description="The fence of the garden is a model.")
    alice.make(title="Call the bank", assignees=[str(bob.id)])
    charlie.make(title="Paint nothing")


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("paint", "Painting lessons|Paint the garden fence"),
        ("PAINTED", "Painting lessons|Paint the garden fence"),
        ("green", "Paint the garden fence"),
        ("fence paint", "Painting lessons|Paint the garden fence"),
        ('"garden fence"', "Paint the garden fence"),
        ("paint -green", "Painting lessons"),
        ("paint -lessons -coats", ""),
        ("bank or lessons", "Call the bank|Painting lessons"),
        ("call bank", "Call the bank"),
        ("nothing", ""),
        ("the", ""),
        ("!!! & | ( ' \\ :*", ""),
        ('"unclosed fence', ""),
        ("%", ""),
        ("\U0001f600", ""),
    ],
)
def test_the_search_takes_words_phrases_or_and_minus(alice, library, text, titles):
    assert "|".join(alice.titles(search=text)) == titles


def test_the_search_shows_everyone_only_their_own(alice, bob, charlie, library):
    assert [len(who.titles(search="paint")) for who in (alice, bob, charlie)] == [2, 0, 1]
    assert [len(who.titles(search="bank")) for who in (alice, bob, charlie)] == [1, 1, 0]


def test_the_search_follows_a_change(alice):
    task = alice.make(title="Fence")
    alice.patch(task, {"title": "Wall", "description": "of bricks"})
    assert (alice.titles(search="fence"), alice.titles(search="brick")) == ([], ["Wall"])
