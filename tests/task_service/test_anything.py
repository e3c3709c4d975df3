"""Whatever is sent, in whatever order: no answer is a 5xx, and what the API promises holds afterwards."""

from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from task_service.tasks.filters import TaskFilter
from task_service.tasks.models import Task

many = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
few = settings(many, max_examples=25)

NAMES = ["title", "description", "status", "priority", "start_at", "due_at", "parent", "assignees", "version", "x"]
WORDS = ["todo", "done", "high", "me", "true", "2030-05-01T12:00:00Z", "01900000-0000-7000-8000-000000000000"]
words = st.sampled_from(WORDS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(0, 10**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | words
)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=8
)
bodies = st.dictionaries(st.sampled_from(NAMES) | words, anything, max_size=4) | anything
PARAMETERS = [*TaskFilter.base_filters, "cursor", "page_size", "ordering", "with_count", "format", "x"]


@many
@given(body=bodies)
def test_no_body_breaks_a_write(alice, body):
    task = alice.make()
    for response in (
        alice.api.post("/api/v1/tasks/", body),
        alice.api.put(alice.url(task), body),
        alice.api.patch(alice.url(task), body),
    ):
        assert response.status_code in (200, 201, 400), response.content
    assert alice.read(task).status_code == 200


@many
@given(parameters=st.dictionaries(st.sampled_from(PARAMETERS) | words, words, max_size=3))
def test_no_parameters_break_the_list(alice, parameters):
    assert alice.list(**parameters).status_code in (200, 400, 404)


@many
@given(tag=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=20))
def test_no_precondition_breaks_a_request(alice, tag):
    task = alice.make()
    assert alice.read(task, if_none_match=tag).status_code in (200, 304)
    assert alice.patch(task, {"title": "x"}, if_match=tag).status_code in (200, 412)


@pytest.mark.parametrize(
    "description",
    ["x" * 100_000, "\U0001f600" * 100_000, " ".join(f"w{number:x}" for number in range(14_000)), "a b" * 33_000],
    ids=["a word", "emoji", "words", "short words"],
)
def test_the_longest_description_can_be_kept(alice, description):
    assert alice.read(alice.make(description=description)).json()["description"] == description


@pytest.mark.parametrize("title", ["\U0001f600" * 500, '"' * 500], ids=["emoji", "quotes"])
def test_a_list_in_the_order_of_the_longest_titles_can_be_walked(alice, title):
    ids = {alice.make(title=title)["id"] for _ in range(3)}
    page, found = alice.list(ordering="title", page_size=1).json(), set()
    while True:
        found |= {task["id"] for task in page["results"]}
        if page["next"] is None:
            break
        assert len(page["next"]) < 8000  # what a server takes as an address
        page = alice.api.get(page["next"]).json()
    assert found == ids


steps = st.tuples(
    st.sampled_from(["alice", "bob", "charlie"]),
    st.integers(0, 3),
    st.one_of(
        st.just(("create", {})),
        st.sampled_from(["complete", "reopen", "delete"]).map(lambda name: (name, {})),
        st.tuples(
            st.sampled_from(["patch", "put"]),
            st.fixed_dictionaries(
                {"title": st.sampled_from("ab")},
                optional={
                    "status": st.sampled_from(Task.Status.values),
                    "assignees": st.sets(st.sampled_from(["alice", "bob", "charlie"])),
                    "parent": st.integers(0, 3),
                },
            ),
        ),
    ),
)


@few
@given(story=st.lists(steps, min_size=4, max_size=20))
def test_after_any_story_the_promises_hold(person, db, told, story):
    cast = {name: person(name) for name in ("alice", "bob", "charlie")}
    tasks = [cast["alice"].make(), cast["bob"].make()]
    for name, number, (verb, fields) in story:
        act(cast, tasks, cast[name], tasks[number % len(tasks)], verb, fields)
    for task in tasks:
        check_events(told(task))
        check_visibility(cast, told(task)[-1]["data"])


def act(cast, tasks, who, task, verb, fields):
    fields = dict(fields)
    if "assignees" in fields:
        fields["assignees"] = [str(cast[name].id) for name in fields["assignees"]]
    if "parent" in fields:
        fields["parent"] = tasks[fields["parent"] % len(tasks)]["id"]
    if verb == "create":
        tasks.append(who.make(parent=task["id"] if who.read(task).status_code == 200 else None))
    elif verb in ("complete", "reopen"):
        assert who.act(task, verb).status_code in (200, 404)
    elif verb == "delete":
        assert who.delete(task).status_code in (204, 403, 404)
    else:
        assert getattr(who, verb)(task, fields).status_code in (200, 400, 404)


def check_events(events):
    """The versions have no gap, each event is news, and completed_at goes with the status."""
    snapshots = [event["data"] for event in events]
    assert [data["version"] for data in snapshots] == list(range(1, len(snapshots) + 1))
    for data in snapshots:
        assert (data["completed_at"] is not None) == (data["status"] == "done")
    for before, after in pairwise(snapshots):
        assert datetime.fromisoformat(after["updated_at"]) >= datetime.fromisoformat(before["updated_at"])
        assert after != before | {"version": after["version"], "updated_at": after["updated_at"]}


def check_visibility(cast, task):
    """The last event says who sees the task, and where; and that its parents end."""
    for who in cast.values():
        involved = str(who.id) in (task["created_by"], *task["assignees"])
        trashed = task["deleted_at"] is not None
        assert who.read(task).status_code == (200 if involved and not trashed else 404)
        for shown, parameters in ((not trashed, {}), (trashed, {"trashed": "true"})):
            ids = [found["id"] for found in who.list(**parameters).json()["results"]]
            assert ids.count(task["id"]) == (1 if involved and shown else 0)
    above, seen = Task.objects.get(id=task["id"]), set()
    while above is not None:
        assert above.id not in seen
        seen.add(above.id)
        above = above.parent
