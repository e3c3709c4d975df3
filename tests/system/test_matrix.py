"""Every route of both APIs, by every method, as everybody: what the written table says, with an empty body.

The routes are those of the OpenAPI documents, which come from the URL configuration: a new one fails here until it has
a row. A row's columns are the owner of the object, another person, nobody, and the operator, who has no rights over
things of people outside of the admins. A method without a row is 405 to whoever may ask at all.
"""

from pathlib import Path

import jwt
import pytest

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
WHO = ("owner", "other", "nobody", "operator")
TABLE = Path(__file__).with_name("matrix.txt")
NOT_A_METHOD = ("405 405 401 405", "405 405 405 405")
ENDS_A_SESSION = ("/api/v1/auth/logout-all/", "/api/v1/auth/sessions/{id}/")


class Cast:
    """The owner and the others; who was signed out by a call is signed in again."""

    def __init__(self, system, alice, bob):
        self.system = system
        self.ids = {"owner": alice.id, "other": bob.id}
        self.names = {"owner": alice.username, "other": bob.username}
        self.people = {"owner": alice, "other": bob, "nobody": system.client(), "operator": system.sign_in_operator()}

    def again(self):
        for who, name in self.names.items():
            self.people[who] = self.system.sign_in(name)
            self.people[who].id = self.ids[who]
        self.people["operator"] = self.system.sign_in_operator()

    def thing(self, path):
        """The id that stands in the path: something of the owner's, made anew."""
        owner = self.people["owner"]
        if path.startswith("/api/v1/tasks/"):
            return owner.post("/api/v1/tasks/", json={"title": "Paint"}).json()["id"]
        if path.startswith("/api/v1/auth/api-tokens/"):
            return owner.make_api_token("tasks:read")["id"]
        if path.startswith("/api/v1/auth/sessions/"):
            device = self.system.sign_in(owner.username)
            return jwt.decode(device.access, options={"verify_signature": False})["sid"]
        assert path.startswith("/api/v1/users/"), f"matrix: nothing is known to put into {path}"
        return owner.id

    def ask(self, method, path):
        statuses = []
        for who in WHO:
            person = self.people[who]
            url = path.replace("{id}", self.thing(path)) if "{id}" in path else path
            statuses.append(str(person.request(method, url, json=None if method == "GET" else {}).status_code))
            if path in ENDS_A_SESSION:
                self.again()
        return " ".join(statuses)


def routes(system):
    for part in ("users", "tasks"):
        yield from system.client().get(f"/api/schema/{part}/", params={"format": "json"}).json()["paths"]


@pytest.mark.timeout(300)
def test_everybody_may_do_what_the_table_says_and_no_more(system, alice, bob):
    cast = Cast(system, alice, bob)
    asked = {f"{method:7}{path:40}": cast.ask(method, path) for path in sorted(routes(system)) for method in METHODS}
    found = [route + statuses for route, statuses in asked.items() if statuses not in NOT_A_METHOD]
    assert found == TABLE.read_text().splitlines(), "\n".join(found)
