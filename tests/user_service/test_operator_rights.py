"""Who may touch whose account in the people admin: Olga is a superuser, Otto may change people, Bob is one of them."""

import threading

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.db import transaction

from tests import hidden_fields
from tests.forms import shown
from tests.waiting import wait_until, waiting_for_locks
from user_service.erasure import services as erasure
from user_service.users import services
from user_service.users.models import User

PEOPLE = "/admin/users/users/user/"


@pytest.fixture
def otto(register):
    person = register("otto", is_staff=True)
    names = ["change_user", "view_user"]
    person.user_permissions.set(Permission.objects.filter(content_type__app_label="users", codename__in=names))
    return person


def save(browser, person, **fields):
    url = f"{PEOPLE}{person.pk}/change/"
    return browser.post(url, shown(browser, url) | fields)


def test_otto_changes_a_person_and_gives_no_rights(otto, bob, admin_of):
    assert save(admin_of(otto), bob, display_name="Bobby", is_staff="on", is_superuser="on").status_code == 302
    bob.refresh_from_db()
    assert (bob.display_name, bob.is_staff, bob.is_superuser) == ("Bobby", False, False)


@pytest.mark.parametrize("page", ["change", "password"])
def test_otto_touches_no_operator_not_even_himself(otto, olga, admin_of, page):
    browser, before = admin_of(otto), list(User.objects.order_by("id").values_list("password", "email"))
    for person in (olga, otto):
        form = {"password1": "another-horse-9", "password2": "another-horse-9", "email": "otto@evil.example"}
        path = f"{PEOPLE}{person.pk}/{page}/"
        assert browser.post(path, form).status_code == 403
    assert list(User.objects.order_by("id").values_list("password", "email")) == before


def test_olga_makes_an_operator(olga, bob, admin_of):
    assert save(admin_of(olga), bob, is_staff="on").status_code == 302
    bob.refresh_from_db()
    assert bob.is_staff


def test_rights_do_not_change_under_an_erasure(olga, bob, admin_of):
    erasure.request_erasure(user=bob)
    response = save(admin_of(olga), bob, is_active="on")
    assert "being erased" in response.content.decode()
    bob.refresh_from_db()
    assert not bob.is_active


def test_who_locks_a_person_just_as_an_erasure_begins_is_told(transactional_db, olga, bob, admin_of, in_threads):
    """Else the lock would change nothing, and be forgotten when the account is given back."""
    browser, url = admin_of(olga), f"{PEOPLE}{bob.pk}/change/"
    form = {name: value for name, value in shown(browser, url).items() if value and name != "is_active"}
    begun = threading.Event()

    def erase():
        with transaction.atomic():
            erasure.request_erasure(user=bob)
            begun.set()
            wait_until(waiting_for_locks)

    def lock():
        begun.wait(10)
        return browser.post(url, form)

    _, answer = in_threads(2, lambda number: (erase, lock)[number]())
    assert "being erased" in answer.content.decode()


def test_who_was_an_operator_does_not_take_the_log_along(olga, bob, admin_of):
    save(admin_of(olga), bob, display_name="Bobby")
    services.update_user(user=olga, changes={"is_staff": False, "is_superuser": False})
    with pytest.raises(ValidationError, match="accountable"):
        erasure.request_erasure(user=olga)
    assert LogEntry.objects.filter(user=olga).exists()


def test_nobody_filters_by_what_a_list_does_not_offer(olga, admin_of):
    answers = hidden_fields.answers(admin_of(olga))
    assert {lookup for lookup, status in answers.items() if status != 400} == set()
    assert "/admin/users/mail/outgoingmail/?body__isnull=0" in answers


def test_no_letter_of_a_mail_is_found_out(olga, admin_of):
    lookup = {"recipient": olga.email, "body__regex": "token=a"}
    assert admin_of(olga).get("/admin/users/mail/outgoingmail/", lookup).status_code == 400
