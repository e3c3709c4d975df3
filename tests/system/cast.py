"""Who asks in the tables of routes: the owner of things, another person, nobody, and the operator."""

import re
import secrets
from http.cookiejar import DefaultCookiePolicy

import httpx
import jwt

from tests.system.running import PASSWORD, Person, System

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
WHO = ("owner", "other", "nobody", "operator")
CSRF = "c" * 32
SIGN_OUT = ("/logout/", "/login/account/sessions/end/")
ERASURE = "/api/v1/users/erasure/"
DONE = (
    "INSERT INTO common_failedevent (digest, body, type, source, request_id, trace_id, state, attempts, settled_at, "
    "error, traceback) VALUES ('done', '', '', '', '', '', 'done', 1, now(), '', '') ON CONFLICT DO NOTHING"
)
HOLDS = "/admin/tasks/erasure/legalhold/"


class Cast:
    """Whom a call signs out is signed in again; what it deletes is made anew."""

    def __init__(self, system: System, owner: Person, other: Person) -> None:
        self.system = system
        operator = system.sign_in_operator()
        self.people = {"owner": owner, "other": other, "nobody": system.client(), "operator": operator}
        self.browser = system.client()
        self.browser.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # it keeps none of an answer's
        self.things: dict[str, str] = {}
        # The operator is the same in every test, and may have a copy of their data every five minutes.
        system.execute("user_service", "UPDATE exports_export SET expires_at = now()")

    def call(self, method: str, path: str) -> dict[str, str]:
        """Answer the status for each of WHO, as a program with their token is told it."""
        found = {}
        for who in WHO:
            body = None if method == "GET" else {}
            found[who] = self.people[who].request(method, self.address(path), json=body).status_code
            if found[who] == 204:
                self.things.pop(path, None)
            if path == "/api/v1/auth/logout-all/" and found[who] == 204:
                self.sign_in_again(who)
        return {who: str(status) for who, status in found.items()}

    def browse(self, method: str, path: str, people: tuple[str, ...] = WHO) -> dict[str, str]:
        """The same by a browser with their cookie, and the CSRF token that our pages have."""
        found = {}
        for who in people:
            found[who] = str(self.visit(who, method, self.address(path)).status_code)
            if method == "POST" and path in SIGN_OUT and who != "nobody":
                self.sign_in_again(who)
        return found

    def visit(self, who: str, method: str, url: str, data: dict[str, str] | None = None) -> httpx.Response:
        cookies = f"csrftoken={CSRF}; tandem_access={getattr(self.people[who], 'access', '')}"
        headers = {"Accept": "text/html,*/*;q=0.8", "Cookie": cookies, "X-CSRFToken": CSRF}
        return self.browser.request(method, url, headers=headers, data=data)

    def sign_in_again(self, who: str) -> None:
        was = self.people[who]
        password = self.system.operator_password if who == "operator" else PASSWORD
        self.people[who] = self.system.sign_in(was.username, password)
        self.people[who].id = getattr(was, "id", None)

    # --- What a path names

    def address(self, path: str) -> str:
        """The path with what it names; of an erasure's state with its key, which is in no path."""
        if "{id}" not in path and path != ERASURE:
            return path
        if path not in self.things:
            self.things[path] = self.make(path)
        return self.things[path] if path == ERASURE else path.replace("{id}", self.things[path])

    def make(self, path: str) -> str:
        """The id of something of the owner's."""
        if path == ERASURE:
            return self.erase()
        owner = self.people["owner"]
        if path.startswith(("/api/v1/tasks/", "/admin/tasks/tasks/task/")):
            return owner.post("/api/v1/tasks/", json={"title": "Paint"}).json()["id"]
        if path.startswith(("/api/v1/auth/api-tokens/", "/login/account/api-tokens/")):
            return owner.make_api_token("tasks:read")["id"]
        if path.startswith(("/api/v1/auth/sessions/", "/login/account/sessions/")):
            device = self.system.sign_in(owner.username)
            return jwt.decode(device.access, options={"verify_signature": False})["sid"]
        if re.match("/api/v1/users/|/admin/users/users/user/|/admin/tasks/user_mirror/user/", path):
            return owner.id
        if path.startswith("/internal/snapshots/"):
            return "tasks"
        if path.startswith("/internal/deliveries/"):
            return "incoming"
        assert path.startswith("/admin/"), f"matrix: nothing is known to put into {path}"
        return self.any_row(path)

    def any_row(self, path: str) -> str:
        """Of a table that the admin shows; whose it is makes no difference to an operator."""
        _, _, part, app, model, *_ = path.split("/")
        query = f"SELECT * FROM {app}_{model} LIMIT 1"  # its first column is the key
        return str(self.system.eventually(lambda: self.system.sql(f"{part[:-1]}_service", query))[0][0])

    def erase(self) -> str:
        """Where to look what becomes of somebody who leaves."""
        leaver = self.system.register("leaver")
        return leaver.request("DELETE", "/api/v1/users/me/", json={"password": PASSWORD}).headers["Location"]

    def leave_traces(self) -> None:
        """A row for every table that the admins show; a failure that is over, which no oracle minds."""
        for service in self.system.databases:
            self.system.execute(service, DONE)
        owner, nobody = self.people["owner"], self.people["nobody"]
        self.erase()
        owner.make_api_token("tasks:read")
        owner.post("/api/v1/tasks/", json={"title": "Paint"})
        owner.post("/api/v1/users/me/export/")
        nobody.post("/api/v1/auth/password/reset/", json={"email": f"{owner.username}@example.com"})
        nobody.post("/api/v1/auth/token/", json={"username": secrets.token_hex(8), "password": "wrong"})
        hold = {"person": owner.id, "why": "Court order 7"}
        self.system.eventually(lambda: self.visit("operator", "POST", f"{HOLDS}add/", hold).status_code == 302)
