"""A sign-in that was ended is soon refused by both services."""

from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest

from tests.forms import Form
from tests.system.running import PASSWORD

PATHS = ("/api/v1/users/me/", "/api/v1/tasks/")


def claims(token):
    return jwt.decode(token, options={"verify_signature": False})


def refused_everywhere(system, person):
    def ask():
        return {person.get(path).status_code for path in PATHS}

    # Several times in a row: each service has two workers. The promise is 2 s, on a machine that is not overloaded.
    system.eventually(lambda: all(ask() == {401} for _ in range(6)), seconds=20)


def log_out(system, alice, phone):
    return alice.post("/api/v1/auth/logout/", json={"refresh": alice.refresh})


def log_out_everywhere(system, alice, phone):
    return alice.post("/api/v1/auth/logout-all/")


def end_one_session_by_the_phone(system, alice, phone):
    return phone.delete(f"/api/v1/auth/sessions/{claims(alice.access)['sid']}/")


def change_the_password_by_the_phone(system, alice, phone):
    passwords = {"current_password": PASSWORD, "new_password": f"{PASSWORD}-2"}
    return phone.post("/api/v1/auth/password/", json=passwords)


def lock_the_account(system, alice, phone):
    """As an operator does it in the admin: by the person's form, with `active` taken out."""
    page = f"/admin/users/users/user/{alice.id}/change/"
    cookies = f"csrftoken={'c' * 32}; tandem_access={system.sign_in_operator().access}"
    operator = system.client(headers={"Cookie": cookies, "X-CSRFToken": "c" * 32})
    fields = Form(operator.get(page).text).fields
    assert fields.pop("is_active") == ["on"]
    return operator.post(page, data=fields)


@pytest.mark.parametrize(
    ("end", "status", "phone_goes_on"),
    [
        (log_out, 204, True),
        (log_out_everywhere, 204, False),
        (end_one_session_by_the_phone, 204, True),
        (change_the_password_by_the_phone, 204, True),
        (lock_the_account, 302, False),
    ],
)
def test_an_ended_session_is_refused_by_both_services_and_no_other(system, alice, bob, end, status, phone_goes_on):
    phone = system.sign_in(alice.username)
    assert all(person.get(path).status_code == 200 for person in (alice, phone) for path in PATHS)

    assert end(system, alice, phone).status_code == status

    refused_everywhere(system, alice)
    if not phone_goes_on:
        refused_everywhere(system, phone)
    for person in [bob, phone] if phone_goes_on else [bob]:
        assert {person.get(path).status_code for path in PATHS for _ in range(4)} == {200}


def refresh(system, token):
    return system.client().post("/api/v1/auth/token/refresh/", json={"refresh": token})


def test_twenty_refreshes_at_once_give_one_successor_and_end_nothing(system, alice):
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: refresh(system, alice.refresh), range(20)))
    assert {answer.status_code for answer in answers} == {200}
    successors = {answer.json()["refresh"] for answer in answers}
    assert len({claims(token)["jti"] for token in successors}) == 1
    assert refresh(system, successors.pop()).status_code == 200


def test_a_replay_after_the_grace_ends_the_sign_in_everywhere(system, alice):
    newest = refresh(system, alice.refresh).json()["refresh"]
    earlier = "UPDATE tokens_session SET lately_at = ARRAY[now() - interval '16 s'] WHERE id = '{}'"
    system.execute("user_service", earlier.format(claims(newest)["sid"]))
    assert refresh(system, alice.refresh).status_code == 401
    assert refresh(system, newest).status_code == 401
    refused_everywhere(system, alice)
