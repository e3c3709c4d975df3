"""Keyset pages of the task list: forwards, backwards, in every ordering, and what they cost."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from task_service.tasks.models import Task

ORDERINGS = ["created_at", "updated_at", "due_at", "priority", "title"]
SIGNED = [sign + name for name in ORDERINGS for sign in ("", "-")]
PRIORITIES = ["none", "low", "medium", "high", "urgent"]
NO_DATE = "9999"  # tasks without a date come after all that have one

walks = settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
some_tasks = st.lists(
    st.fixed_dictionaries(
        {
            "title": st.sampled_from(["Same", "same", "Ärger", "zoo", "\U0001f600"]),
            "priority": st.sampled_from(PRIORITIES),
            "due_at": st.sampled_from([None, "2030-05-01T12:00:00.000000Z", "2030-05-01T12:00:00.000001Z"]),
        }
    ),
    min_size=1,
    max_size=9,
)


def sort_key(task, name):
    return {
        "created_at": "",
        "updated_at": task["updated_at"],
        "due_at": task["due_at"] or NO_DATE,
        "priority": PRIORITIES.index(task["priority"]),
        "title": task["title"],
    }[name], task["id"]


def in_order(tasks, ordering):
    return sorted(tasks, key=lambda task: sort_key(task, ordering.lstrip("-")), reverse=ordering.startswith("-"))


def walk(person, page, link):
    """Return the pages from this one on, by `next` or `previous`."""
    pages = [page["results"]]
    while page[link] is not None:
        page = person.api.get(page[link]).json()
        pages.append(page["results"])
    return pages, page


def joined(pages):
    return [task for page in pages for task in page]


@pytest.mark.parametrize("ordering", SIGNED)
@walks
@given(tasks=some_tasks, size=st.integers(1, 4))
def test_a_walk_there_and_back_gives_every_task_once_in_order(db, person, ordering, tasks, size):
    walker = person("walker")
    made = in_order([walker.make(**task) for task in tasks], ordering)
    first = walker.list(ordering=ordering, page_size=size).json()
    assert first["previous"] is None

    there, last = walk(walker, first, "next")
    assert joined(there) == made
    assert [len(page) for page in there[:-1]] == [size] * (len(there) - 1)
    assert len(there) == -(-len(made) // size)

    back, _ = walk(walker, last, "previous")
    assert joined(reversed(back)) == made


@pytest.mark.parametrize("ordering", SIGNED)
@walks
@given(tasks=some_tasks, late=some_tasks, size=st.integers(1, 3))
def test_tasks_made_during_a_walk_neither_hide_nor_double_the_others(db, person, ordering, tasks, late, size):
    walker = person("walker")
    made = [task["id"] for task in in_order([walker.make(**task) for task in tasks], ordering)]
    half = len(late) // 2
    page = walker.list(ordering=ordering, page_size=size).json()
    for link, expected, more in (("next", made, late[:half]), ("previous", made[::-1], late[half:])):
        seen = []
        while True:
            results = [task["id"] for task in page["results"]]
            seen += results if link == "next" else results[::-1]
            if page[link] is None:
                break
            if more:
                walker.make(**more.pop())
            page = walker.api.get(page[link]).json()
        assert len(seen) == len(set(seen))
        assert [task_id for task_id in seen if task_id in made] == expected


def test_the_newest_come_first_by_default(alice):
    for title in "abc":
        alice.make(title=title)
    assert alice.titles() == alice.titles(ordering="-created_at") == ["c", "b", "a"]
    assert alice.titles(ordering="created_at") == ["a", "b", "c"]


def test_links_are_absolute_and_keep_every_parameter(alice):
    for _ in range(3):
        alice.make(title="Fence ünd", priority="high")
    parameters = {"search": "fence", "priority": "high", "page_size": "1", "ordering": "title", "with_count": "true"}
    page = alice.list(**parameters).json()
    for link in (page["next"], alice.api.get(page["next"]).json()["previous"]):
        url = urlsplit(link)
        assert (url.scheme, url.netloc, url.path) == ("http", "testserver", "/api/v1/tasks/")
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        assert query.pop("cursor")
        assert query == parameters


def test_links_name_the_host_that_was_asked_for(alice, settings):
    settings.ALLOWED_HOSTS = ["tandem.example"]
    alice.make(), alice.make()
    page = alice.api.get("/api/v1/tasks/?page_size=1", headers={"host": "tandem.example:8443"}).json()
    assert page["next"].startswith("http://tandem.example:8443/api/v1/tasks/?")


def test_an_empty_list_has_no_neighbours(alice):
    assert alice.list().json() == {"next": None, "previous": None, "results": []}


def test_a_page_that_is_just_full_has_no_next(alice):
    for _ in range(2):
        alice.make()
    page = alice.list(page_size=2).json()
    assert (len(page["results"]), page["next"]) == (2, None)


def test_the_count_is_there_when_asked_for(alice, bob):
    for _ in range(3):
        alice.make()
    bob.make()
    assert alice.list(with_count="true", page_size=1).json()["count"] == 3
    assert alice.list(with_count="true", status="done").json()["count"] == 0
    assert "count" not in alice.list(with_count="false").json()


@pytest.mark.parametrize(("given", "rows"), [("1", 1), ("200", 3), ("2", 2), ("050", 3)])
def test_a_page_has_as_many_rows_as_asked_for(alice, given, rows):
    for _ in range(3):
        alice.make()
    assert len(alice.list(page_size=given).json()["results"]) == rows


def test_a_page_has_50_rows_by_default_and_200_at_most(alice):
    for _ in range(202):
        alice.make()
    assert len(alice.list().json()["results"]) == 50
    assert len(alice.list(page_size=200).json()["results"]) == 200


@pytest.mark.parametrize(
    "given", ["0", "201", "-1", "1.5", "", "ten", "1e1", "٣", "²", "0" * 8 + "1999", "9" * 5000, " 5"]
)
def test_a_page_size_out_of_range_is_refused(alice, errors, given):
    assert errors(alice.list(page_size=given)) == {"page_size": "invalid"}


@pytest.mark.parametrize("given", ["yes", "1", "", "True"])
def test_with_count_is_true_or_false(alice, errors, given):
    assert errors(alice.list(with_count=given)) == {"with_count": "invalid"}


@pytest.mark.parametrize(
    "given", ["version", "", "-", "--title", "title,due_at", "Title", "pk", "created_by__password"]
)
def test_an_ordering_that_is_not_offered_is_refused(alice, errors, given):
    assert errors(alice.list(ordering=given)) == {"ordering": "invalid"}


def queries_of(call, django_assert_max_num_queries):
    with django_assert_max_num_queries(10) as captured:
        assert call().status_code == 200
    return len(captured)


@pytest.mark.parametrize("ordering", SIGNED)
def test_a_page_costs_the_same_queries_however_many_tasks_it_has(alice, bob, ordering, django_assert_max_num_queries):
    parent = alice.make()
    costs = set()
    for _ in range(2):
        for _ in range(4):
            alice.make(assignees=[str(alice.id), str(bob.id)], parent=parent["id"])
        for size in ("1", "8"):
            costs.add(
                queries_of(
                    lambda size=size: alice.list(ordering=ordering, page_size=size), django_assert_max_num_queries
                )
            )
    assert len(costs) == 1
    assert costs.pop() <= 2


def test_the_usual_page_costs_one_query(alice, django_assert_num_queries):
    for _ in range(3):
        alice.make()
    link = alice.list(page_size=1).json()["next"]
    for url in ("/api/v1/tasks/", link):
        with django_assert_num_queries(1):
            assert alice.api.get(url).status_code == 200


@pytest.mark.parametrize("ordering", ["place", "-place"])
def test_a_page_can_be_read_without_sorting_what_is_not_on_it(alice, ordering):
    with connection.cursor() as cursor:  # so that a sort is planned only where there is no other way
        cursor.execute("SET LOCAL enable_sort = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_seqscan = off")
    plan = Task.objects.visible_to(alice.id).order_by(ordering)[:5].explain()
    assert "Sort" not in plan


def test_links_are_of_the_public_scheme(alice, settings):
    settings.HTTPS = True
    first, second = alice.make(title="A"), alice.make(title="B")
    page = alice.list(page_size=1).json()
    assert page["next"].startswith("https://")
    assert page["results"] + alice.api.get(page["next"]).json()["results"] == [second, first]
