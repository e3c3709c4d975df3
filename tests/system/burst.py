"""Many people write at the same time, through whatever happens meanwhile."""

import random
import secrets
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import httpx

from tests.system.running import PASSWORD, Person, System

WRITERS = 8
PATIENCE_SECONDS = 60


class Burst:
    """`answered` holds the bodies of writes answered 2xx, `statuses` what else came."""

    def __init__(self, system: System, *, writes: int, seed: int) -> None:
        self.system = system
        self.writes = writes
        self.seed = seed
        self.people = [system.register(f"writer{number}") for number in range(WRITERS)]
        ids = [person.id for person in self.people]
        known = "SELECT count(*) = %s FROM user_mirror_user WHERE id = ANY(%s::uuid[])"
        system.eventually(lambda: system.sql("task_service", known, len(ids), ids)[0][0])
        self.answered: list[dict] = []
        self.deleted: list[str] = []
        self.statuses: Counter = Counter()
        self.numbers = count()
        self.done = 0
        self.lock = threading.Lock()

    def __enter__(self) -> "Burst":
        self.pool = ThreadPoolExecutor(WRITERS)
        self.running = [
            self.pool.submit(Writer(self, person, self.seed + n).run) for n, person in enumerate(self.people)
        ]
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown()
        for each in self.running:
            each.result()

    def reached(self, share: float) -> None:
        """Wait until that share of the writes is answered."""
        self.system.eventually(lambda: self.done >= share * self.writes or self._failed(), seconds=PATIENCE_SECONDS)

    @property
    def is_over(self) -> bool:
        return all(each.done() for each in self.running)

    def _failed(self) -> bool:
        return any(each.done() and each.exception() for each in self.running)


class Writer:
    def __init__(self, burst: Burst, person: Person, seed: int) -> None:
        self.burst = burst
        self.person = person
        self.random = random.Random(seed)
        self.tasks: list[str] = []

    def run(self) -> None:
        writes = [self.create] * 4 + [self.patch] * 3 + [self.complete, self.assign, self.delete, self.register]
        while next(self.burst.numbers) < self.burst.writes:
            (self.random.choice(writes) if self.tasks else self.create)()
            with self.burst.lock:
                self.burst.done += 1

    def create(self) -> None:
        fields = {"title": self.words(), "priority": self.random.choice(["none", "low", "urgent"])}
        self.tasks.append(self.send_new("/api/v1/tasks/", lambda: fields)["id"])

    def register(self) -> None:
        def account():
            name = f"new-{secrets.token_hex(8)}"
            return {"username": name, "email": f"{name}@example.com", "password": PASSWORD}

        self.send_new("/api/v1/auth/register/", account)

    def patch(self) -> None:
        self.send("PATCH", self.random.choice(self.tasks), json={"title": self.words()})

    def assign(self) -> None:
        people = self.random.sample([person.id for person in self.burst.people], 2)
        self.send("PATCH", self.random.choice(self.tasks), json={"assignees": people})

    def complete(self) -> None:
        self.send("POST", self.random.choice(self.tasks), "complete/")

    def delete(self) -> None:
        """A delete whose answer was lost is found gone."""
        task = self.tasks.pop(self.random.randrange(len(self.tasks)))
        assert self.send("DELETE", task).status_code in (204, 404)
        self.burst.deleted.append(task)

    def words(self) -> str:
        return f"Task {secrets.token_hex(8)}"

    def send_new(self, path: str, body) -> dict:
        """Nobody knows what became of a POST without an answer: the next try is another one."""
        answer = self.until_answered(lambda: self.person.post(path, json=body()))
        assert answer.status_code == 201, f"{answer.status_code} {answer.text}"
        self.burst.answered.append(answer.json())
        return answer.json()

    def send(self, method: str, task: str, action: str = "", **body) -> httpx.Response:
        """These may be said twice."""
        url = f"/api/v1/tasks/{task}/{action}"
        answer = self.until_answered(lambda: self.person.request(method, url, **body))
        assert method == "DELETE" or answer.status_code == 200, f"{method} {url}: {answer.status_code} {answer.text}"
        if method != "DELETE":
            self.burst.answered.append(answer.json())
        return answer

    def until_answered(self, send) -> httpx.Response:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = self.attempt(send)
            if answer is not None:
                return answer
            assert time.monotonic() < deadline, f"no answer within {PATIENCE_SECONDS} s: {self.burst.statuses}"
            time.sleep(0.2)

    def attempt(self, send) -> httpx.Response | None:
        try:
            answer = send()
        except httpx.TransportError as error:
            self.burst.statuses[type(error).__name__] += 1
            return None
        self.burst.statuses[answer.status_code] += 1
        if answer.status_code not in (503, 504):
            return answer
        assert answer.headers["Content-Type"] == "application/problem+json", answer.text
        assert answer.headers["Retry-After"]
        return None
