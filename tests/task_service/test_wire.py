"""The hot reads answer byte for byte what the serializer answers."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from common.rendering import JSONRenderer
from task_service.tasks.models import Task
from task_service.tasks.serializers import TaskSerializer

many = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
AWKWARD = "\"'\\/\b\f\n\r\t\x01\x1f\x7f\x80\x85\xa0\u2028\u2029\ufeff\ufffe\uffff\U0001f600\U0010fffe</script>&<!--%s{}"
texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from(AWKWARD), max_size=60
)
moments = st.none() | st.datetimes(datetime(1900, 1, 1), datetime(8999, 12, 31), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.isoformat()
)
seconds = st.none() | st.sampled_from(["2030-05-01T12:00:00Z", "2030-05-01T12:00:00.1Z", "1900-01-01T00:00:00Z"])


@pytest.fixture
def people(person, db):
    return [str(person(f"person{number}").id) for number in range(5)]


def as_serialized(data):
    return JSONRenderer().render(data)


def serialized(*tasks):
    rows = {str(task.id): task for task in Task.objects.filter(id__in=[task["id"] for task in tasks])}
    return [TaskSerializer(rows[task["id"]]).data for task in tasks]


def check(person, *tasks):
    """Compare each task's own answer, and a list of all, with what the serializer makes of the rows."""
    expected = serialized(*tasks)
    for task, data in zip(tasks, expected, strict=True):
        assert person.read(task).content == as_serialized(data)
    page = person.list(page_size=len(tasks))
    results = {"results": expected[::-1]}
    assert page.content == as_serialized({name: page.json()[name] for name in ("next", "previous")} | results)
    assert page.headers["Content-Type"] == "application/json"


@many
@example(title="x", description=AWKWARD)
@example(title=AWKWARD[:60], description="\u2028\\u2028\\\u2028")
@example(title="null", description="\\")
@given(title=texts, description=texts)
def test_any_text_comes_out_the_same(alice, title, description):
    task = alice.make(title=f"x{title}", description=description)
    check(alice, task)
    assert alice.read(task).json() == task


@many
@given(start_at=moments | seconds, due_at=moments | seconds)
def test_any_date_comes_out_the_same(alice, start_at, due_at):
    task = alice.make(start_at=start_at, due_at=due_at)
    check(alice, task)
    assert alice.read(task).json() == task


@many
@given(
    status=st.sampled_from(Task.Status.values),
    priority=st.sampled_from(Task.Priority.values),
    assignees=st.sets(st.integers(0, 4)),
    below=st.booleans(),
)
def test_any_choice_and_company_comes_out_the_same(alice, people, status, priority, assignees, below):
    parent = alice.make()
    task = alice.make(
        status=status,
        priority=priority,
        assignees=[people[number] for number in assignees],
        parent=parent["id"] if below else None,
    )
    check(alice, parent, task)
    assert alice.read(task).json() == task


def test_the_answer_to_a_write_is_what_a_read_answers(alice, bob):
    task = alice.make(description="\u2028", assignees=[str(bob.id)])
    for write in (
        lambda: alice.patch(task, {"title": "Ä \u2029"}),
        lambda: alice.put(task, {"title": "x", "due_at": "2030-05-01T12:00:00Z"}),
        lambda: alice.act(task, "complete"),
        lambda: alice.act(task, "reopen"),
    ):
        assert write().content == alice.read(task).content == as_serialized(serialized(task)[0])


@pytest.mark.parametrize("parameters", [{"ordering": "-created_at"}, {"status": "todo"}, {"trashed": "false"}], ids=str)
def test_the_hot_page_and_the_usual_page_are_the_same(alice, bob, parameters):
    for number in range(3):
        alice.make(title=f"Fence {number} \u2028", assignees=[str(bob.id)] * (number % 2))
    for person in (alice, bob):
        assert person.list(page_size=3).content == person.list(page_size=3, **parameters).content
