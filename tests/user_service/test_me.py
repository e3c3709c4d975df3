import pytest

from common import events
from common.models import OutboxEvent
from tests.answers import assert_problem, field_errors
from user_service.users import services

URL = "/api/v1/users/me/"


@pytest.fixture
def me(alice, api_of):
    return api_of(alice)


def test_a_person_sees_themselves(alice, me):
    assert me.get(URL).json() == {
        "id": str(alice.id),
        "username": "alice",
        "email": "alice@example.org",
        "display_name": "Alice Ames",
        "time_zone": "UTC",
        "is_staff": False,
        "task_counts": {"open": 0, "done": 0},
    }


def test_without_a_token_it_is_a_401_that_says_how(db, api):
    response = api.get(URL)
    assert_problem(response, 401, "not_authenticated")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_patch_changes_only_what_was_sent(me):
    response = me.patch(URL, {"time_zone": "Europe/Berlin"})
    assert response.status_code == 200
    assert (response.json()["time_zone"], response.json()["display_name"]) == ("Europe/Berlin", "Alice Ames")
    assert me.get(URL).json() == response.json()


def test_a_patch_publishes_the_new_version(me, alice):
    me.patch(URL, {"display_name": "Al"})
    row = OutboxEvent.objects.get(type=events.UserUpdated.type)
    assert (row.aggregate_id, row.version) == (alice.id, 2)
    assert '"display_name":"Al"' in row.envelope


def test_an_empty_patch_changes_nothing_that_shows(me):
    before = me.get(URL).json()
    assert me.patch(URL, {}).json() == before


@pytest.mark.parametrize(
    "changes", [{}, {"display_name": "Alice Ames"}, {"display_name": "Alice Ames", "time_zone": "UTC"}]
)
def test_a_patch_that_changes_nothing_makes_no_version_and_no_event(me, changes):
    tag = me.get(URL).headers["ETag"]
    assert me.patch(URL, changes).headers["ETag"] == tag
    assert not OutboxEvent.objects.filter(type=events.UserUpdated.type).exists()


@pytest.mark.parametrize("name", ["id", "username", "email", "is_staff", "task_counts"])
def test_what_cannot_be_written_is_refused(me, name):
    assert field_errors(me.patch(URL, {name: "x"})) == {name: "read_only"}


@pytest.mark.parametrize("name", ["is_superuser", "password", "version", "nickname"])
def test_what_is_not_known_is_refused(me, name):
    assert field_errors(me.patch(URL, {name: "x"})) == {name: "unknown"}


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../../etc/passwd", "\u0000", "x" * 65, None])
def test_a_time_zone_is_one_of_the_iana_database(me, zone):
    assert set(field_errors(me.patch(URL, {"time_zone": zone}))) == {"time_zone"}


def test_one_bad_field_keeps_the_good_one_from_being_written(me):
    me.patch(URL, {"display_name": "New", "time_zone": "Mars/Olympus"})
    assert me.get(URL).json()["display_name"] == "Alice Ames"


def test_what_did_not_change_need_not_be_sent_again(me):
    tag = me.get(URL).headers["ETag"]
    response = me.get(URL, headers={"if-none-match": tag})
    assert (response.status_code, response.content, response.headers["ETag"]) == (304, b"", tag)


def test_a_weak_tag_matches_too(me):
    tag = me.get(URL).headers["ETag"]
    assert me.get(URL, headers={"if-none-match": f'"other", W/{tag}'}).status_code == 304


def test_a_change_has_a_new_tag(me):
    before = me.get(URL).headers["ETag"]
    after = me.patch(URL, {"display_name": "Al"}).headers["ETag"]
    assert before != after
    assert me.get(URL, headers={"if-none-match": before}).status_code == 200
    assert me.get(URL).headers["ETag"] == after


def test_a_patch_with_the_right_tag_goes_through(me):
    tag = me.get(URL).headers["ETag"]
    assert me.patch(URL, {"display_name": "Al"}, headers={"if-match": tag}).status_code == 200


def test_a_stale_patch_changes_nothing(me):
    stale = me.get(URL).headers["ETag"]
    me.patch(URL, {"display_name": "First"})
    assert_problem(me.patch(URL, {"display_name": "Second"}, headers={"if-match": stale}), 412, "precondition_failed")
    assert me.get(URL).json()["display_name"] == "First"


def test_of_parallel_patches_with_one_tag_one_wins(transactional_db, alice, api_of, in_threads):
    me = api_of(alice)
    tag = me.get(URL).headers["ETag"]
    patches = in_threads(6, lambda n: me.patch(URL, {"display_name": f"n{n}"}, headers={"if-match": tag}))
    assert sorted(response.status_code for response in patches) == [200, 412, 412, 412, 412, 412]
    alice.refresh_from_db()
    assert alice.version == 2


def test_parallel_patches_each_get_a_version_and_an_event(transactional_db, alice, api_of, in_threads):
    me = api_of(alice)
    in_threads(8, lambda n: me.patch(URL, {"display_name": f"n{n}"}))
    rows = OutboxEvent.objects.filter(aggregate_id=alice.id).order_by("id")
    assert [row.version for row in rows] == list(range(1, 10))


def test_who_is_locked_out_is_refused_at_once(alice, me):
    services.update_user(user=alice, changes={"is_active": False})
    assert_problem(me.get(URL), 401, "user_inactive")


def test_who_is_gone_is_refused(alice, me):
    alice.delete()
    assert_problem(me.get(URL), 401, "user_inactive")


def test_query_parameters_are_refused(me):
    assert field_errors(me.get(f"{URL}?fields=id")) == {"fields": "unknown"}


@pytest.mark.parametrize("method", ["post", "put"])
def test_other_methods_are_refused(me, method):
    response = getattr(me, method)(URL, {})
    assert_problem(response, 405, "method_not_allowed")
    assert "PATCH" in response.headers["Allow"]
