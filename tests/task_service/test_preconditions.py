"""ETag, If-None-Match and If-Match follow the task's version (RFC 9110)."""

import pytest

FRESH = ['"2"', 'W/"2"', "*", '"1", "2"', '"x",W/"2" ', ' "2"']
STALE = ['"1"', 'W/"1"', '"1", "3"', '"22"', "2", "", '""']


@pytest.fixture
def task(alice):
    """A task at version 2."""
    made = alice.make()
    return alice.patch(made, {"title": "Buy oat milk"}).json()


def test_the_etag_is_the_version(alice, task):
    assert (task["version"], alice.read(task).headers["ETag"]) == (2, '"2"')
    for number, response in enumerate(
        [
            alice.patch(task, {"title": "Three"}),
            alice.put(task, {"title": "Four"}),
            alice.act(task, "complete"),
            alice.act(task, "reopen"),
        ],
        start=3,
    ):
        assert (response.json()["version"], response.headers["ETag"]) == (number, f'"{number}"')


@pytest.mark.parametrize("tag", FRESH)
def test_a_read_of_what_the_client_has_is_304(alice, task, tag):
    response = alice.read(task, if_none_match=tag)
    assert (response.status_code, response.content, response.headers["ETag"]) == (304, b"", '"2"')


@pytest.mark.parametrize("tag", STALE)
def test_a_read_of_what_has_changed_is_answered(alice, task, tag):
    response = alice.read(task, if_none_match=tag)
    assert (response.status_code, response.json()) == (200, task)


def writes(person, task, tag):
    yield person.patch(task, {"title": "Patched"}, if_match=tag)
    yield person.put(task, {"title": "Put"}, if_match=tag)
    yield person.act(task, "complete", if_match=tag)
    yield person.act(task, "reopen", if_match=tag)
    yield person.delete(task, if_match=tag)


@pytest.mark.parametrize("tag", STALE)
def test_a_write_to_what_has_changed_is_412_and_changes_nothing(alice, task, tag, told):
    for response in writes(alice, task, tag):
        assert (response.status_code, response.json()["code"]) == (412, "precondition_failed")
    assert alice.read(task).json() == task
    assert len(told(task)) == 2


@pytest.mark.parametrize("tag", FRESH)
@pytest.mark.parametrize("number", range(5))
def test_a_write_to_what_was_read_succeeds(alice, task, tag, number):
    requests = [
        lambda: alice.patch(task, {"title": "Patched"}, if_match=tag),
        lambda: alice.put(task, {"title": "Put"}, if_match=tag),
        lambda: alice.act(task, "complete", if_match=tag),
        lambda: alice.act(task, "reopen", if_match=tag),
        lambda: alice.delete(task, if_match=tag),
    ]
    assert requests[number]().status_code in (200, 204)


def test_a_patch_that_would_change_nothing_is_still_412_when_stale(alice, task):
    assert alice.patch(task, {}, if_match='"1"').status_code == 412


def test_a_precondition_tells_charlie_nothing(alice, bob, charlie, task):
    alice.patch(task, {"assignees": [str(bob.id)]})
    codes = [who.patch(task, {"title": "x"}, if_match='"1"').status_code for who in (alice, bob, charlie)]
    assert codes == [412, 412, 404]
    assert charlie.read(task, if_none_match="*").status_code == 404


def test_the_html_page_has_no_etag(alice, task):
    response = alice.browser().get(alice.url(task), headers={"if-none-match": '"2"'})
    assert (response.status_code, "ETag" in response.headers) == (200, False)
