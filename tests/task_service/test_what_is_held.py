"""Every table of task_service: what it holds about a person is in their copy and goes with them, or it says why."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from common import events
from common.ids import uuid7
from task_service.erasure.services import erase_committed, lift_holds, place_hold
from task_service.exports.services import gather
from task_service.user_mirror.models import User
from tests.envelopes import api_token_event
from tests.held import mentioning, tables

TOLD = {
    "user_mirror.User": "known_to_tasks",
    "user_mirror.User_user_permissions": "known_to_tasks",
    "user_mirror.User_groups": "known_to_tasks",
    "tasks.Task": "tasks",
    "tasks.Participant": "tasks",
    "common.ApiToken": "api_tokens_in_tasks",
    "erasure.LegalHold": "legal_holds",  # and legal_holds_placed
    "erasure.Erasure": "erasures_in_tasks",
    "admin.LogEntry": "admin_log_in_tasks",
}
NOT_TOLD = {
    "common.OutboxEvent": "what the others were told, for a day; they tell what they keep",
    "common.FailedEvent": "what could not be taken in yet, from those who keep it",
    "common.IdempotencyKey": "what they were answered, for a day, and nobody can read it",
    "common.MirrorRun": "what was asked of a mirror, by whom; admin_log_in_tasks tells it",
    "exports.ExportRequest": "the wish for the copy itself, for a second",
}
OF_NOBODY = {
    *("auth.Group", "auth.Permission", "auth.Group_permissions", "contenttypes.ContentType"),
    *("common.InboxEvent", "common.Revocation"),  # ids of events and of sessions
    "sessions.Session",  # not written
}
STAYS = {
    "user_mirror.User": "a tombstone: the id",
    "erasure.Erasure": "the id: what comes late is known to be old",
    "admin.LogEntry": "the id: operators stay accountable",
    "common.OutboxEvent": "what was told, for a day",
}


@pytest.fixture
def traces(alice, bob, olga, hear):
    """Alice has left one wherever she can, also as somebody who may do things in the admin; a hold keeps her."""
    alice.api.post("/api/v1/tasks/", {"title": "Secret of hers"}, headers={"idempotency-key": "key of hers"})
    bob.make(title="Paint the fence", assignees=[str(alice.id)])
    hear(api_token_event(user_id=alice.id, name="Laptop of hers"))
    mirrored, operator = User.objects.get(pk=alice.id), User.objects.get(pk=olga.id)
    form = {"user_permissions": [str(Permission.objects.first().pk)]}
    url = f"/admin/tasks/user_mirror/user/{alice.id}/change/"
    assert olga.browser().post(url, form).status_code == 302
    mirrored.groups.add(Group.objects.create(name="Readers"))
    facts = {"id": uuid7(), "user_id": alice.id}
    place_hold(person=mirrored, why="Court order 7", by=operator)
    hear(events.ErasureRequested(**facts, version=1, deadline=timezone.now()))
    return facts


def test_every_table_has_its_place():
    assert tables() == TOLD.keys() | NOT_TOLD.keys() | OF_NOBODY
    assert len(tables()) == len(TOLD) + len(NOT_TOLD) + len(OF_NOBODY)


def test_no_table_that_mentions_a_person_is_taken_for_one_of_nobody(alice, traces):
    assert mentioning(alice.id, "alice").keys() <= TOLD.keys() | NOT_TOLD.keys()


def test_their_copy_has_something_of_each_table(alice, traces):
    copy = gather(alice.id)
    assert set(copy) == {*TOLD.values(), "legal_holds_placed"}
    assert [name for name in TOLD.values() if not copy[name]] == []
    assert len(copy["known_to_tasks"][0]["permissions"]) == 1
    assert copy["known_to_tasks"][0]["groups"] == ["Readers"]
    assert copy["erasures_in_tasks"][0]["state"] == "refused"


def test_the_log_tells_what_was_done_and_not_by_whom(alice, olga, traces):
    copy = gather(alice.id)
    assert [entry["kind"] for entry in copy["admin_log_in_tasks"]["about_you"]] == ["user"]
    assert "Court order" not in str(copy)
    assert "olga" not in str(copy)
    assert str(olga.id) not in str(copy)


def test_an_operator_s_copy_tells_what_they_did_and_names_nobody(olga, traces):
    copy = gather(olga.id)
    assert len(copy["legal_holds_placed"]) == len(copy["admin_log_in_tasks"]["by_you"]) == 1
    assert "alice" not in str(copy)


def test_nothing_of_who_was_erased_stays_but_an_id(alice, hear, traces):
    lift_holds(holds=User.objects.get(pk=alice.id).legal_holds.all())
    hear(events.ErasureCommitted(**traces, version=2))
    erase_committed()
    hear(events.UserErased(id=alice.id, version=2))
    assert mentioning(alice.id, alice.id.hex).keys() == STAYS.keys()
    assert mentioning("alice", "of hers").keys() == {"common.OutboxEvent"}
