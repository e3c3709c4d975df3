"""The two HTTP interfaces, and the requests that put load on them."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

from benchmarks.load import Request, Workload

PASSWORD = "a pass phrase of the benchmark"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
TASKS = "/api/v1/tasks/"
PRIORITIES = ("none", "low", "medium", "high", "urgent")
FIELDS = {
    "id", "title", "description", "status", "priority", "start_at", "due_at", "parent", "assignees", "created_by",
    "completed_at", "created_at", "updated_at", "version",
}  # fmt: skip


@dataclass(frozen=True)
class Api:
    """What differs between the two; everything else about a request is the same."""

    name: str
    sign_in_path: str
    sign_in_type: str
    token_field: str
    page: str
    page_field: str
    task: str


TANDEM = Api(
    name="Tandem",
    sign_in_path="/api/v1/auth/token/",
    sign_in_type=JSON,
    token_field="access",
    page=f"{TASKS}?page_size=",
    page_field="results",
    task=f"{TASKS}%s/",
)
PEER = Api(
    name="FastAPI",
    sign_in_path="/api/v1/login/access-token",
    sign_in_type=FORM,
    token_field="access_token",
    page=f"{TASKS}?limit=",
    page_field="data",
    task=f"{TASKS}%s",
)


@dataclass(frozen=True)
class Client:
    """Calls one system, a single request at a time."""

    api: Api
    origin: str

    def call(self, request: Request, token: str = "") -> bytes:
        """Raises urllib.error.HTTPError unless the answer is 2xx."""
        headers = {"Content-Type": request.content_type, "Authorization": f"Bearer {token}" if token else ""}
        call = HttpRequest(
            self.origin + request.path,
            request.body.encode() or None,
            {name: value for name, value in headers.items() if value},
            method=request.method,
        )
        with urlopen(call, timeout=30) as response:
            content: bytes = response.read()
            return content

    def register(self, username: str) -> str:
        """At Tandem only; the peer's people come by SQL. Answers the id."""
        fields = {"username": username, "email": f"{username}@example.com", "password": PASSWORD}
        return str(json.loads(self.call(Request("POST", "/api/v1/auth/register/", JSON, json.dumps(fields))))["id"])

    def token(self, username: str) -> str:
        return str(json.loads(self.call(self._sign_in(username)))[self.api.token_field])

    def workload(self, operation: str, people: list[str]) -> Workload:
        """Person 0 reads, person 1 writes, the next twenty sign in.

        Sends the first request and looks at the answer; raises SystemExit where the two cannot be compared.
        """
        token = "" if operation == "login" else self.token(people[1 if operation == "create" else 0])
        requests = self._requests(operation, token, people)
        answer = self.call(requests[0], token)
        self._check(operation, json.loads(answer))
        return Workload(requests, token, len(answer))

    def _requests(self, operation: str, token: str, people: list[str]) -> list[Request]:
        if operation == "list":
            return [Request("GET", f"{self.api.page}20")]
        if operation == "get":
            page = json.loads(self.call(Request("GET", f"{self.api.page}200"), token))[self.api.page_field]
            return [Request("GET", self.api.task % row["id"]) for row in page]
        if operation == "create":
            return [Request("POST", TASKS, JSON, new_task(number)) for number in range(500)]
        return [self._sign_in(username) for username in people[2:22]]

    def _sign_in(self, username: str) -> Request:
        fields = {"username": username, "password": PASSWORD}
        body = json.dumps(fields) if self.api.sign_in_type == JSON else urlencode(fields)
        return Request("POST", self.api.sign_in_path, self.api.sign_in_type, body)

    def _check(self, operation: str, answer: dict[str, Any]) -> None:
        if operation == "login":
            return
        rows = answer[self.api.page_field] if operation == "list" else [answer]
        if (operation == "list" and len(rows) != 20) or any(FIELDS - row.keys() for row in rows):
            raise SystemExit(f"{self.api.name} answers {operation} with something else: {answer}")


def new_task(number: int) -> str:
    return json.dumps(
        {
            "title": f"Task {number} of the load",
            "description": "Some words that say what there is to do. " * (1 + number % 4),
            "priority": PRIORITIES[number % 5],
            "due_at": "2035-01-01T09:00:00Z",
        }
    )
