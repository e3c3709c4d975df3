"""Operators ask for runs over the mirrors, and read what came of them."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.utils import timezone

from common.models import MirrorRun
from task_service.user_mirror.models import User

PAGE = "/admin/tasks/common/mirrorrun/"


@pytest.fixture
def browser(olga):
    return olga.browser()


@pytest.fixture
def drifted(db):
    facts = {"compared": 9, "missing": 2, "found": "missing 7: no row here, version 1 at the source"}
    return MirrorRun.objects.create(mirror="users", started_at=timezone.now(), finished_at=timezone.now(), **facts)


def test_a_run_that_is_asked_for_waits_for_the_schedule(browser, olga):
    page = browser.post(f"{PAGE}add/", {"mirror": "api_tokens", "kind": "rebuild"}, follow=True)
    run = MirrorRun.objects.get()
    assert (run.mirror, run.kind, run.requested_by_id, run.state) == ("api_tokens", "rebuild", olga.id, "waiting")
    assert "waiting" in page.content.decode()
    assert LogEntry.objects.get(object_id=run.pk).user_id == olga.id


@pytest.mark.parametrize("form", [{"mirror": "tasks", "kind": "check"}, {"mirror": "users", "kind": "drop"}, {}])
def test_what_is_no_mirror_or_no_kind_is_asked_for_by_nobody(browser, form):
    assert browser.post(f"{PAGE}add/", form).status_code == 200
    assert not MirrorRun.objects.exists()


def test_the_list_and_the_page_of_a_run_say_what_was_found(browser, drifted):
    shown = browser.get(PAGE).content.decode()
    assert "drift" in shown
    assert drifted.found in browser.get(f"{PAGE}{drifted.pk}/change/").content.decode()


def test_what_was_found_is_repaired_on_one_click(browser, drifted, olga):
    MirrorRun.objects.create(mirror="users")
    every = list(MirrorRun.objects.values_list("pk", flat=True))
    browser.post(PAGE, {"action": "repair", "_selected_action": every})
    asked = MirrorRun.objects.exclude(pk__in=every)
    assert list(asked.values_list("mirror", "kind", "requested_by")) == [("users", "repair", olga.id)]


def test_who_may_only_look_asks_for_nothing(olga, browser, drifted):
    User.objects.filter(pk=olga.id).update(is_superuser=False)
    User.objects.get(pk=olga.id).user_permissions.add(Permission.objects.get(codename="view_mirrorrun"))
    assert browser.get(PAGE).status_code == 200
    assert browser.post(f"{PAGE}add/", {"mirror": "users", "kind": "check"}).status_code == 403
    browser.post(PAGE, {"action": "repair", "_selected_action": [drifted.pk]})
    assert MirrorRun.objects.count() == 1
