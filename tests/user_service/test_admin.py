import pytest

from common import events
from common.models import OutboxEvent
from tests.envelopes import envelope, task_event
from tests.forms import shown
from user_service.users import services
from user_service.users.models import User

ROOT = "/admin/users/"
PEOPLE = "/admin/users/users/user/"


@pytest.fixture
def admin(olga, admin_of):
    return admin_of(olga)


def change(admin, person, **fields):
    url = f"{PEOPLE}{person.id}/change/"
    form = shown(admin, url) | fields
    return admin.post(url, {name: value for name, value in form.items() if value})


def test_the_operator_is_let_in_by_the_sign_in_cookie(admin):
    assert admin.get(ROOT).status_code == 200


def test_a_person_without_rights_is_refused(alice, admin_of):
    assert admin_of(alice).get(ROOT, follow=True).status_code == 403


def test_a_stranger_is_sent_to_the_sign_in(db, client):
    response = client.get(PEOPLE, follow=True)
    assert response.redirect_chain[-1] == ("/login/?next=%2Fadmin%2Fusers%2Fusers%2Fuser%2F", 302)


def test_logging_out_of_the_admin_is_logging_out(admin):
    response = admin.post(f"{ROOT}logout/")
    assert (response.status_code, response.headers["Location"]) == (307, "/logout/")


@pytest.mark.parametrize(
    "page", ["users/user/", "tokens/session/", "task_mirror/mirroredtask/", "common/outboxevent/", "common/inboxevent/"]
)
def test_every_list_and_search_opens(admin, alice, page):
    from common import inbox

    inbox.receive([envelope(task_event(created_by=alice.id))])
    assert admin.get(f"{ROOT}{page}").status_code == 200
    assert admin.get(f"{ROOT}{page}", {"q": "alice"}).status_code in (200, 302)


def test_a_change_goes_through_the_service_and_is_published(admin, bob):
    assert change(admin, bob, display_name="Bobby", is_staff="on").status_code == 302
    bob.refresh_from_db()
    assert (bob.display_name, bob.is_staff, bob.version) == ("Bobby", True, 2)
    row = OutboxEvent.objects.get(type=events.UserUpdated.type)
    assert (row.aggregate_id, row.version) == (bob.id, 2)


def test_locking_a_person_out_is_published(admin, bob):
    change(admin, bob, is_active="")
    assert '"is_active":false' in OutboxEvent.objects.get(type=events.UserUpdated.type).envelope


def test_a_change_of_other_things_keeps_the_password(admin, bob, password):
    change(admin, bob, display_name="Bobby")
    bob.refresh_from_db()
    assert bob.check_password(password)


@pytest.mark.parametrize("field", ["username", "email"])
def test_a_taken_name_is_shown_at_the_form(admin, alice, bob, field):
    response = change(admin, bob, **{field: getattr(alice, field).upper()})
    assert response.status_code == 200
    bob.refresh_from_db()
    assert bob.version == 1


def test_an_operator_adds_a_person(admin, password):
    form = {"username": "dora", "email": "dora@example.org", "password1": password, "password2": password}
    response = admin.post(f"{PEOPLE}add/", form)
    dora = User.objects.get(username="dora")
    assert response.headers["Location"] == f"{PEOPLE}{dora.id}/change/"
    assert dora.check_password(password)
    assert OutboxEvent.objects.filter(aggregate_id=dora.id, type=events.UserRegistered.type).exists()


def test_a_person_with_a_taken_e_mail_is_not_added(admin, alice, password):
    form = {"username": "dora", "email": "ALICE@example.org", "password1": password, "password2": password}
    assert admin.post(f"{PEOPLE}add/", form).status_code == 200
    assert not User.objects.filter(username="dora").exists()


def test_an_operator_sets_a_password(admin, bob):
    form = {"password1": "another-horse-7", "password2": "another-horse-7"}
    response = admin.post(f"{PEOPLE}{bob.id}/password/", form)
    assert response.status_code == 302, response.content
    bob.refresh_from_db()
    assert bob.check_password("another-horse-7")


def test_an_operator_whom_the_person_overtakes_is_told_so(admin, bob, monkeypatch):
    set_password = services.set_password

    def overtaken(**fields):
        set_password(user=User.objects.get(pk=bob.pk), password="quicker-horse-9")
        set_password(**fields)

    monkeypatch.setattr(services, "set_password", overtaken)
    form = {"password1": "another-horse-7", "password2": "another-horse-7"}
    page = admin.post(f"{PEOPLE}{bob.id}/password/", form, follow=True)
    assert "meanwhile" in page.content.decode()
    assert User.objects.get(pk=bob.pk).check_password("quicker-horse-9")


def test_nobody_is_deleted_by_hand(admin, bob):
    assert admin.post(f"{PEOPLE}{bob.id}/delete/", {"post": "yes"}).status_code == 403
    admin.post(PEOPLE, {"action": "delete_selected", "_selected_action": [bob.id], "post": "yes"})
    assert User.objects.filter(pk=bob.pk).exists()


@pytest.mark.parametrize("page", ["task_mirror/mirroredtask/", "common/outboxevent/", "common/inboxevent/"])
def test_what_events_wrote_is_not_written_by_hand(admin, page):
    assert admin.get(f"{ROOT}{page}add/").status_code == 403


def test_an_unknown_page_is_a_404(admin):
    assert admin.get(f"{ROOT}nothing/").status_code == 404
