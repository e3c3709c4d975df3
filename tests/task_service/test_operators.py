"""What operators may do in this service's admin: Olga all; Vera looks at tasks, as Olga says; Nick nothing."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission

from common import events
from task_service.user_mirror.models import User
from tests import hidden_fields
from tests.forms import shown

INDEX, TASKS, PEOPLE = "/admin/tasks/", "/admin/tasks/tasks/task/", "/admin/tasks/user_mirror/user/"


@pytest.fixture
def vera(db, person):
    return person("vera", is_staff=True)


@pytest.fixture
def nick(db, person):
    return person("nick", is_staff=True)


@pytest.fixture
def grant(olga):
    """By the form, as Olga does."""

    def grant(person, *codenames, **fields):
        url = f"{PEOPLE}{person.id}/change/"
        ids = [str(pk) for pk in Permission.objects.filter(codename__in=codenames).values_list("pk", flat=True)]
        form = shown(olga.browser(), url) | {"user_permissions": ids} | fields
        assert olga.browser().post(url, form).status_code == 302

    return grant


def permissions_of(person):
    return sorted(User.objects.get(pk=person.id).get_user_permissions())


def test_each_sees_what_is_theirs(olga, vera, nick, alice, grant):
    task = alice.make(title="Paint the fence")
    grant(vera, "view_task")
    seen = {}
    for who in (olga, vera, nick):
        browser, change = who.browser(), f"{TASKS}{task['id']}/change/"
        may_save = 'name="_save"' in browser.get(change).content.decode()
        urls = (INDEX, TASKS, change, f"{TASKS}add/", PEOPLE, f"{PEOPLE}{alice.id}/change/")
        seen[who.username] = ([browser.get(url).status_code for url in urls], may_save)
    assert seen == {
        "olga": ([200, 200, 200, 200, 200, 200], True),
        "vera": ([200, 200, 200, 403, 403, 403], False),
        "nick": ([200, 403, 403, 403, 403, 403], False),
    }
    assert vera.browser().post(f"{TASKS}{task['id']}/change/", {"title": "Mine"}).status_code == 403


def test_who_may_look_at_people_may_not_hand_out_permissions(vera, nick, grant):
    grant(vera, "view_user", "change_user", "view_permission")
    url = f"{PEOPLE}{nick.id}/change/"
    page = vera.browser().get(url)
    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()
    everything = [str(pk) for pk in Permission.objects.values_list("pk", flat=True)]
    assert vera.browser().post(url, {"user_permissions": everything}).status_code == 403
    assert permissions_of(nick) == []


def test_news_of_a_person_leave_their_permissions(vera, grant, hear, news_of):
    grant(vera, "view_task")
    hear(news_of(vera, events.UserUpdated, version=2, is_staff=True, display_name="Vera Vogt"))
    assert permissions_of(vera) == ["tasks.view_task"]
    assert vera.browser().get(TASKS).status_code == 200


def test_who_is_no_operator_any_more_may_nothing_whatever_they_were_given(vera, grant, hear, news_of):
    grant(vera, "view_task")
    hear(news_of(vera, events.UserUpdated, version=2, is_staff=False))
    assert vera.browser().get(TASKS, follow=True).status_code == 403


def test_nothing_else_of_a_person_is_written_by_the_form(vera, grant, hear, news_of, monkeypatch):
    """Not even what the form did not show: news that come while it is saved are newer."""
    from task_service.user_mirror import admin

    before = User.objects.values().get(pk=vera.id)
    grant(vera, "view_task", username="mallory", is_superuser="on", is_active="", version="9")
    assert User.objects.values().get(pk=vera.id) == before

    def meanwhile(self, request, obj, form, change):
        hear(news_of(vera, events.UserUpdated, version=2, is_staff=True, display_name="Vera Vogt"))
        return save(self, request, obj, form, change)

    save = admin.UserAdmin.save_model
    monkeypatch.setattr(admin.UserAdmin, "save_model", meanwhile)
    grant(vera, "view_task", "change_task")
    assert User.objects.values_list("version", "display_name").get(pk=vera.id) == (2, "Vera Vogt")
    assert permissions_of(vera) == ["tasks.change_task", "tasks.view_task"]


def test_the_log_names_who_did_it(olga, vera, alice, grant):
    task = alice.make(title="Paint")
    grant(vera, "view_task", "change_task")
    browser, url = vera.browser(), f"{TASKS}{task['id']}/change/"
    form = shown(browser, url) | {"title": "Paint the fence"}
    assert browser.post(url, form).status_code == 302
    entries = list(LogEntry.objects.order_by("pk").values_list("user__username", "object_id"))
    assert entries == [("olga", str(vera.id)), ("vera", task["id"])]
    history = olga.browser().get(f"{TASKS}{task['id']}/history/").content.decode()
    assert "vera" in history
    assert "Changed Title." in history
    assert "Vera" in browser.get(INDEX).content.decode()


def test_nobody_filters_by_what_a_list_does_not_offer(olga):
    answers = hidden_fields.answers(olga.browser())
    assert {lookup for lookup, status in answers.items() if status != 400} == set()
