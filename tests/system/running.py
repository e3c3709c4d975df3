"""A whole system of its own, as a person starts it: `python -m local.up` on a free port, in a temporary folder."""

import ctypes
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import httpx
import psutil
import psycopg

from local import ports
from local.accounts import other_than_root
from local.server import temporary_folder
from local.settings import ROOT
from local.supervisor import Supervisor

OURS = ("BROKER_URL", "USER_DATABASE_URL", "TASK_DATABASE_URL", "EDGE_RATE_LIMIT")
PASSWORD = "correct-horse-battery-staple"


class Person(httpx.Client):
    """A client that is signed in."""

    id: str
    username: str
    access: str
    refresh: str

    def make_api_token(self, *scopes: str) -> dict[str, Any]:
        expires_at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        answer = self.post(
            "/api/v1/auth/api-tokens/", json={"name": "script", "scopes": scopes, "expires_at": expires_at}
        )
        assert answer.status_code == 201, answer.text
        return answer.json()


class System:
    operator = "operator"
    operator_password = "operator-secret-1"
    poison: frozenset[str] = frozenset()  # the digests of planted messages that can never take effect

    def __init__(self, **variables: str) -> None:
        self.port = ports.pick()
        self.url = f"http://localhost:{self.port}"
        self.data_dir = temporary_folder(other_than_root("nobody"))
        self.supervisor = Supervisor(self.data_dir)
        self.environment = {name: value for name, value in os.environ.items() if name not in OURS} | {
            "PORT": str(self.port),
            "DATA_DIR": str(self.data_dir),
            "EDGE_RATE_LIMIT": "off",
            "WEB_WORKERS": "2",
            "OPERATOR_PASSWORD": self.operator_password,
            **variables,
        }
        self._clients: list[httpx.Client] = []

    def __enter__(self) -> Self:
        self._log = (self.data_dir / "up.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "local.up"],
            cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
            start_new_session=True, preexec_fn=_end_with_the_tests,
        )  # fmt: skip
        try:
            self.eventually(lambda: "Ready:" in self.output or self._process.poll() is not None, seconds=150)
            assert "Ready:" in self.output, self.output
        except BaseException:
            self.stop()
            raise
        self.web = {name: self._environment_of(f"{name}.web") for name in ("user_service", "task_service")}
        self.databases = {name: variables["DATABASE_URL"] for name, variables in self.web.items()}
        self.broker_url = self.web["user_service"]["BROKER_URL"]
        self.ports: dict[str, int] = self._state["ports"]
        self.credential = self.web["user_service"]["SERVICE_CREDENTIAL"]
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it; nothing that it started may live on, nor had to be killed."""
        for client in self._clients:
            client.close()
        started = [psutil.Process(self._process.pid), *psutil.Process(self._process.pid).children(recursive=True)]
        try:
            self.stop()
            assert [process for process in started if _lives(process)] == []
            farewell = self.log("supervisord").rpartition("received SIGTERM")[2]
            assert "SIGKILL" not in farewell, farewell
        finally:
            shutil.rmtree(self.data_dir)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=90)
        self._log.close()

    @property
    def output(self) -> str:
        return (self.data_dir / "up.log").read_text()

    def log(self, name: str) -> str:
        """What the process of that name has written so far."""
        return (self.data_dir / "logs" / f"{name}.log").read_text(errors="replace")

    @property
    def _state(self) -> dict[str, Any]:
        return json.loads((self.data_dir / "state.json").read_text())

    @property
    def superuser_url(self) -> str:
        """Of the database server that is the system's own."""
        return f"postgres://postgres:{self._state['secrets']['postgres']}@127.0.0.1:{self.ports['postgres']}/postgres"

    def _environment_of(self, name: str) -> dict[str, str]:
        return json.loads((self.data_dir / "run" / f"{name}.json").read_text())["environment"]

    # --- Processes, by the names of `make ps`

    def processes(self) -> dict[str, tuple[int, str]]:
        return {process.name: (process.pid, process.state) for process in self.supervisor.processes()}

    def pid(self, name: str) -> int:
        """Waits for it while it is on its way back."""
        return self.eventually(lambda: self.processes()[name][0], seconds=30)

    def kill(self, name: str) -> int:
        """kill -9 of the process and all its workers; answers the pid that it had, when supervisord knows of it."""
        pid = self.pid(name)
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        self.eventually(lambda: self.processes()[name][0] != pid)
        return pid

    def suspend(self, *names: str) -> "Suspended":
        """`with`: the processes are stopped, without a restart, until the end."""
        return Suspended(self, names)

    def heal(self) -> None:
        """Wait until everything runs and answers."""
        self.eventually(lambda: all(state == "RUNNING" for _, state in self.processes().values()), seconds=60)
        self.eventually(lambda: self._health() == 200, seconds=60)

    def _health(self) -> int:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=5).status_code
        except httpx.HTTPError:
            return 0

    # --- Databases

    def sql(self, service: str, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.databases[service], autocommit=True) as connection:
            return connection.execute(query, parameters or None).fetchall()

    def execute(self, service: str, statements: str) -> None:
        with psycopg.connect(self.databases[service]) as connection:
            connection.execute(statements)

    # --- People

    def client(self, **options: Any) -> httpx.Client:
        client = httpx.Client(base_url=self.url, timeout=30, **options)
        self._clients.append(client)
        return client

    def register(self, name: str) -> Person:
        """Register somebody whose username starts with `name`, and sign them in."""
        person = Person(base_url=self.url, timeout=30)
        self._clients.append(person)
        username = f"{name}-{secrets.token_hex(4)}"
        account = {"username": username, "email": f"{username}@example.com", "password": PASSWORD}
        registered = person.post("/api/v1/auth/register/", json=account)
        assert registered.status_code == 201, registered.text
        person.id = registered.json()["id"]
        return self._sign_in(person, username, PASSWORD)

    def sign_in(self, username: str, password: str = PASSWORD) -> Person:
        """Sign in on one more device."""
        person = Person(base_url=self.url, timeout=30)
        self._clients.append(person)
        return self._sign_in(person, username, password)

    def sign_in_operator(self) -> Person:
        return self.sign_in(self.operator, self.operator_password)

    def _sign_in(self, person: Person, username: str, password: str) -> Person:
        person.username = username
        answer = person.post("/api/v1/auth/token/", json={"username": username, "password": password})
        assert answer.status_code == 200, answer.text
        person.access, person.refresh = answer.json()["access"], answer.json()["refresh"]
        person.headers["Authorization"] = f"Bearer {person.access}"
        return person

    @staticmethod
    def eventually(condition: Callable[[], Any], seconds: float = 10) -> Any:
        """Answer the condition's value as soon as it is true; fail when the time is over."""
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, f"not so after {seconds} s: last answer {value!r}"
            time.sleep(0.02)
        return value


class Suspended:
    def __init__(self, system: System, names: tuple[str, ...]) -> None:
        self.system, self.names = system, names

    def __enter__(self) -> None:
        for name in self.names:
            self._call("stopProcess", name)

    def __exit__(self, *_: object) -> None:
        for name in self.names:
            self._call("startProcess", name)
        self.system.heal()

    def _call(self, method: str, name: str) -> None:
        process = next(each for each in self.system.supervisor._call("getAllProcessInfo") if each["name"] == name)
        self.system.supervisor._call(method, f"{process['group']}:{name}", True)


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _end_with_the_tests() -> None:
    """A killed test run takes the system with it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
