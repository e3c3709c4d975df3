"""How Alice leaves, seen from the edge: what she had, what she asks for, what becomes of her account."""

from tests.system.running import PASSWORD

ME = "/api/v1/users/me/"
HOLDS = "/admin/tasks/erasure/legalhold/"


def make_tasks(system, alice, bob):
    known = "SELECT FROM user_mirror_user WHERE id IN (%s, %s)"
    system.eventually(lambda: len(system.sql("task_service", known, alice.id, bob.id)) == 2)
    private = alice.post("/api/v1/tasks/", json={"title": "Secret"})
    shared = alice.post("/api/v1/tasks/", json={"title": "Ours", "assignees": [bob.id]})
    theirs = bob.post("/api/v1/tasks/", json={"title": "His", "assignees": [alice.id]})
    assert [answer.status_code for answer in (private, shared, theirs)] == [201] * 3
    return [answer.json()["id"] for answer in (private, shared, theirs)]


def erase(person):
    """Answer where to look."""
    answer = person.request("DELETE", ME, json={"password": PASSWORD})
    assert (answer.status_code, answer.json()["state"]) == (202, "requested")
    return answer.headers["Location"]


def ended(system, where, seconds=30):
    """Wait for the end, and answer it."""

    def look():
        answer = system.client().get(where)
        return answer.status_code == 200 and answer.json()["finished_at"] and answer.json()

    return system.eventually(look, seconds=seconds)


def signs_in(system, person):
    credentials = {"username": person.username, "password": PASSWORD}
    return system.client().post("/api/v1/auth/token/", json=credentials).status_code == 200


def pass_deadline(system, person):
    """The clock that counts is the database's."""
    system.execute("user_service", f"UPDATE erasure_erasure SET deadline = now() WHERE user_id = '{person.id}'")


def lay_hold(system, person):
    operator = system.client()
    operator.cookies["tandem_access"] = system.sign_in_operator().access
    form = operator.get(f"{HOLDS}add/")
    assert form.status_code == 200
    data = {"person": person.id, "why": "Court order 7", "csrfmiddlewaretoken": operator.cookies["csrftoken"]}
    headers = {"Origin": system.url, "Referer": system.url}
    assert operator.post(f"{HOLDS}add/", data=data, headers=headers).status_code == 302


def check_gone(system, alice, bob, tasks):
    private, shared, theirs = tasks
    assert not signs_in(system, alice)
    assert bob.get(f"/api/v1/users/{alice.id}/").status_code == 404
    assert bob.get("/api/v1/users/", params={"search": alice.username}).json()["results"] == []
    assert system.sql("task_service", "SELECT FROM tasks_task WHERE id = %s", private) == []
    kept = bob.get(f"/api/v1/tasks/{shared}/").json()
    assert (kept["created_by"], kept["assignees"]) == (bob.id, [bob.id])
    assert bob.get(f"/api/v1/tasks/{theirs}/").json()["assignees"] == []
    name = "SELECT username FROM user_mirror_user WHERE id = %s"
    system.eventually(lambda: system.sql("task_service", name, alice.id) == [("",)])


def check_there(system, alice, bob, tasks):
    private, shared, theirs = tasks
    again = system.sign_in(alice.username)
    assert again.get(f"/api/v1/tasks/{private}/").json()["title"] == "Secret"
    assert again.get(f"/api/v1/tasks/{shared}/").json()["created_by"] == alice.id
    assert bob.get(f"/api/v1/tasks/{theirs}/").json()["assignees"] == [alice.id]
