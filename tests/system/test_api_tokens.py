"""A script's API token at the edge: good in both services as its scopes say, refused by both soon after its end."""

import pytest

TASKS, ME = "/api/v1/tasks/", "/api/v1/users/me/"
TOKENS = "/api/v1/auth/api-tokens/"


@pytest.fixture
def script_of(system):
    """`script_of(alice, "tasks:read")` is a client with a new token, that both services know; `.id` is the token's."""

    def make(person, *scopes):
        made = person.make_api_token(*scopes)
        script = system.client(headers={"Authorization": f"Bearer {made['token']}"})
        script.id = made["id"]
        system.eventually(lambda: 401 not in several(script, TASKS))
        return script

    return make


def several(client, *paths):
    """Several times in a row: each service has two workers."""
    return {client.get(path).status_code for path in paths for _ in range(6)}


def test_it_works_in_both_services_as_its_scopes_say(script_of, alice):
    script = script_of(alice, "tasks:write", "profile:read")
    task = script.post(TASKS, json={"title": "Back up"})
    assert (task.status_code, task.json()["created_by"]) == (201, alice.id)
    assert script.get(ME).json()["username"] == alice.username
    for refused, needed in ((script.get(TASKS), "tasks:read"), (script.patch(ME, json={}), "profile:write")):
        assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
        assert refused.headers["WWW-Authenticate"] == f'Bearer error="insufficient_scope", scope="{needed}"'
    for path in (TOKENS, "/api/v1/auth/sessions/"):
        assert script.get(path).json()["code"] == "insufficient_scope"


def test_revoked_it_is_refused_by_both_services(system, script_of, alice):
    script, other = (script_of(alice, "tasks:read", "profile:read") for _ in range(2))
    assert alice.delete(f"{TOKENS}{script.id}/").status_code == 204
    assert several(script, ME) == {401}
    # The promise is 2 s, on a machine that is not overloaded.
    system.eventually(lambda: several(script, TASKS) == {401}, seconds=20)
    assert several(other, TASKS, ME) == {200}


def test_its_use_in_the_other_service_is_shown_to_its_person(system, script_of, alice):
    script = script_of(alice, "tasks:read")
    assert script.get(TASKS).status_code == 200
    system.eventually(lambda: alice.get(f"{TOKENS}{script.id}/").json()["last_used_at"])
