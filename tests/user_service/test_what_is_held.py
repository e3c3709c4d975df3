"""Every table of user_service: what it holds about a person is in their copy and goes with them, or it says why."""

import json
import zlib
from datetime import timedelta
from io import BytesIO
from zipfile import ZipFile

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.utils import timezone

from common import events
from tests.envelopes import task_event
from tests.forms import shown
from tests.held import mentioning, tables
from tests.user_service.erasing import done, hear, prepared, refused
from user_service.erasure.services import request_erasure
from user_service.exports.archive import FILES
from user_service.exports.models import Archive, Export
from user_service.exports.services import make_archives, request_export
from user_service.tokens import services as sessions
from user_service.users import services as users

TOLD = {
    "users.User": "profile.json",
    "users.User_user_permissions": "profile.json",
    "users.User_groups": "profile.json",
    "tokens.Session": "sessions.json",
    "second_factor.SecondFactor": "second_factor.json",
    "axes.AccessAttempt": "failed_tries.json",
    "common.ApiToken": "api_tokens.json",
    "mail.OutgoingMail": "mails.json",
    "erasure.Erasure": "erasures.json",
    "admin.LogEntry": "admin_log.json",
}
NOT_TOLD = {
    "common.OutboxEvent": "what the others were told, for a day; they tell what they keep",
    "common.FailedEvent": "what could not be taken in yet, from those who keep it",
    "common.IdempotencyKey": "what they were answered, for a day, and nobody can read it",
    "common.MirrorRun": "what was asked of a mirror, by whom; admin_log.json tells it",
    "common.Revocation": "ids of ended sessions, for minutes; sessions.json has them",
    "task_mirror.MirroredTask": "a mirror of what task_service tells in tasks.json",
    "users.PasswordResetRequest": "an address that somebody typed, for a second; mails.json has what came of it",
    "exports.Export": "the copy itself",
    "exports.Archive": "the copy itself",
    "exports.Part": "the copy itself, until it is made",
}
OF_NOBODY = {
    *("auth.Group", "auth.Permission", "auth.Group_permissions", "contenttypes.ContentType"),
    "common.InboxEvent",  # ids and types of events
    *("axes.AccessFailureLog", "axes.AccessLog", "axes.AccessAttemptExpiration", "sessions.Session"),  # not written
}
STAYS = {
    "erasure.Erasure": "the id: what became of the account",
    "admin.LogEntry": "the id: operators stay accountable",
    "common.OutboxEvent": "what was told, for a day; the tombstone has the id",
}
WORDS = "alice", "Alice Ames"
PEOPLE, ATTEMPTS = "/admin/users/users/user/", "/admin/users/axes/accessattempt/"


@pytest.fixture
def task():
    return task_event()


@pytest.fixture
def erasure(alice, olga, api, api_of, app, task, password):
    """Alice has left a trace wherever she can; the first request to erase her was refused, this one runs."""
    browser = Client(headers={"accept": "text/html"})
    browser.cookies["tandem_access"] = sessions.begin_session(user=olga).access
    sessions.begin_session(user=alice, user_agent="Alice's laptop", ip="203.0.113.9")
    app.guard(alice)
    for _ in range(2):
        api.post("/api/v1/auth/token/", {"username": "alice", "password": "wrong"})
        attempt = AccessAttempt.objects.get(username="alice")
        browser.post(ATTEMPTS, {"action": "unlock", "_selected_action": [attempt.pk]})
    api.post("/api/v1/auth/token/", {"username": "ALICE@example.org", "password": "wrong"})
    form = {"name": "alice's backup", "scopes": ["tasks:read"], "expires_at": timezone.now() + timedelta(days=1)}
    scripts = api_of(alice, second_factor=True)
    assert scripts.post("/api/v1/auth/api-tokens/", form, headers={"idempotency-key": "alice"}).status_code == 201
    users.request_password_reset(email=alice.email)
    users.answer_password_reset_requests()
    hear(events.TaskCreated(**vars(task) | {"title": "Ask Alice", "created_by": alice.id}))
    form = shown(browser, f"{PEOPLE}{alice.pk}/change/") | {"display_name": "Alice A."}
    assert browser.post(f"{PEOPLE}{alice.pk}/change/", form).status_code == 302
    alice.user_permissions.add(Permission.objects.first())
    alice.groups.add(Group.objects.create(name="Readers"))
    refused(request_erasure(user=alice).erasure)
    request_export(user=alice)
    return request_erasure(user=alice).erasure


@pytest.fixture
def copy(erasure):
    """{file: what is in it}"""
    export = Export.objects.get()
    hear(events.ExportPart(id=export.pk, version=1, parts=1, data=zlib.compress(b"{}")))
    make_archives()
    with ZipFile(BytesIO(Archive.objects.get().data)) as file:
        return {name: json.loads(file.read(name)) for name in file.namelist()}


def test_every_table_has_its_place():
    assert tables() == TOLD.keys() | NOT_TOLD.keys() | OF_NOBODY
    assert len(tables()) == len(TOLD) + len(NOT_TOLD) + len(OF_NOBODY)


def test_no_table_that_mentions_a_person_is_taken_for_one_of_nobody(alice, erasure):
    assert mentioning(alice.id, *WORDS).keys() <= TOLD.keys() | NOT_TOLD.keys()


def test_their_copy_has_something_of_each_table(copy):
    assert set(copy) == set(FILES) == set(TOLD.values())
    assert [name for name, rows in copy.items() if not rows] == []
    assert copy["profile.json"]["is_superuser"] is False
    assert len(copy["profile.json"]["permissions"]) == 1
    assert copy["profile.json"]["groups"] == ["Readers"]
    assert copy["sessions.json"][0]["second_factor"] is False


def test_the_log_tells_what_was_done_and_not_by_whom(copy, olga):
    told = copy["admin_log.json"]["about_you"]
    assert [entry["message"] for entry in told] == ["Changed Display name.", "Unlocked alice.", "Unlocked alice."]
    assert {entry["kind"] for entry in told} == {"user", "accessattempt"}
    assert "olga" not in str(copy)
    assert str(olga.id) not in str(copy)


def test_an_operator_s_copy_tells_what_they_did_and_names_nobody(olga, erasure):
    done_by = FILES["admin_log.json"](olga)["by_you"]
    assert len(done_by) == 3
    assert "alice" not in str(done_by)


def test_a_mail_that_lets_who_holds_it_in_is_told_without_its_text(copy):
    texts = {mail["subject"]: mail["text"] for mail in copy["mails.json"]}
    assert texts["Set a new password"] is None
    assert "legal hold" in texts["Your account was not erased"]


def test_nothing_of_who_was_erased_stays_but_an_id(alice, erasure, task):
    prepared(erasure)
    hear(events.TaskErased(id=task.id, version=2, erased_at=timezone.now()))
    done(erasure)
    assert mentioning(alice.id, alice.id.hex, *WORDS).keys() == STAYS.keys()
    assert mentioning(*WORDS).keys() == {"common.OutboxEvent"}
