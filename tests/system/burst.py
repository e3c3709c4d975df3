"""Many people write at the same time, through whatever happens meanwhile."""

import random
import secrets
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import httpx

from tests.system import oracle
from tests.system.running import PASSWORD, Person, System

WRITERS = 8
PATIENCE_SECONDS = 60


class Burst:
    """`answered` holds the bodies of writes answered 2xx, `made` the ids of what is new, `statuses` what else came."""

    def __init__(self, system: System, *, writes: int, seed: int) -> None:
        self.system = system
        self.writes = writes
        self.seed = seed
        self.people = [system.register(f"writer{number}") for number in range(WRITERS)]
        ids = [person.id for person in self.people]
        known = "SELECT count(*) = %s FROM user_mirror_user WHERE id = ANY(%s::uuid[])"
        system.eventually(lambda: system.sql("task_service", known, len(ids), ids)[0][0])
        self.new_names = f"new-{secrets.token_hex(4)}"
        self.answered: list[dict] = []
        self.made: list[str] = []
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

    def __exit__(self, failure: object, *_: object) -> None:
        if failure:
            self.end()
        self.pool.shutdown()
        for each in self.running:
            each.result()

    def check(self) -> None:
        """The oracle; and what there is of new tasks and people is what was answered, nothing twice."""
        oracle.check(self.system, self.answered)
        tasks = "SELECT id::text FROM tasks_task WHERE created_by_id = ANY(%s::uuid[])"
        names = "SELECT id::text FROM users_user WHERE username LIKE %s"
        found = self.system.sql("task_service", tasks, [person.id for person in self.people])
        found += self.system.sql("user_service", names, f"{self.new_names}%")
        assert sorted(key for (key,) in found) == sorted(self.made)

    def reached(self, share: float) -> None:
        """Wait until that share of the writes is answered."""
        self.system.eventually(lambda: self.done >= share * self.writes or self.has_failed, seconds=PATIENCE_SECONDS)

    def end(self) -> None:
        """Let each writer finish the write in hand."""
        self.writes = 0

    @property
    def has_failed(self) -> bool:
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
        self.tasks.append(self.make("/api/v1/tasks/", fields))

    def register(self) -> None:
        name = f"{self.burst.new_names}-{secrets.token_hex(8)}"
        self.make("/api/v1/auth/register/", {"username": name, "email": f"{name}@example.com", "password": PASSWORD})

    def patch(self) -> None:
        self.send("PATCH", self.random.choice(self.tasks), json={"title": self.words()})

    def assign(self) -> None:
        people = self.random.sample([person.id for person in self.burst.people], 2)
        self.send("PATCH", self.random.choice(self.tasks), json={"assignees": people})

    def delete(self) -> None:
        """A delete whose answer was lost is found gone."""
        task = self.tasks.pop(self.random.randrange(len(self.tasks)))
        assert self.send("DELETE", task).status_code in (204, 404)
        self.burst.deleted.append(task)

    def words(self) -> str:
        return f"Task {secrets.token_hex(8)}"

    def make(self, path: str, fields: dict) -> str:
        answer = self.post(path, json=fields)
        assert answer.status_code == 201, f"{answer.status_code} {answer.text}"
        self.burst.answered.append(answer.json())
        self.burst.made.append(answer.json()["id"])
        return answer.json()["id"]

    def complete(self) -> None:
        answer = self.post(f"/api/v1/tasks/{self.random.choice(self.tasks)}/complete/")
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
        self.burst.answered.append(answer.json())

    def post(self, path: str, **body) -> httpx.Response:
        """Nobody knows what became of a POST without an answer; with its key it may be said again. One in ten is."""
        headers = {"Idempotency-Key": secrets.token_hex(16)}
        answer = self.until_answered(lambda: self.person.post(path, headers=headers, **body))
        if self.random.random() < 0.1:
            again = self.until_answered(lambda: self.person.post(path, headers=headers, **body))
            assert again.content == answer.content, f"{answer.text}, and then {again.text}"
        return answer

    def send(self, method: str, task: str, **body) -> httpx.Response:
        """These may be said twice."""
        url = f"/api/v1/tasks/{task}/"
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
        self.burst.statuses["replayed"] += "Idempotency-Replayed" in answer.headers
        if answer.status_code not in (409, 503, 504):  # 409: what was said before is still running
            return answer
        assert answer.headers["Content-Type"] == "application/problem+json", answer.text
        assert answer.headers["Retry-After"]
        return None
