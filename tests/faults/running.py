"""The system on a broker of three nodes and behind a network that can be cut: all of it can be broken one by one."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Self
from urllib.parse import urlsplit

from local.postgres import Postgres
from local.program import Program
from local.settings import ROOT
from tests.faults import ledger, resources
from tests.faults.cluster import Cluster
from tests.faults.load import Load
from tests.faults.network import Network
from tests.system import oracle
from tests.system.running import System

HEARTBEAT_SECONDS = 3
SERVICES = ("user_service", "task_service")
ALARMS = {
    "memory": (["set_vm_memory_high_watermark", "0.000001"], ["set_vm_memory_high_watermark", "0.4"]),
    "disk": (["set_disk_free_limit", "1000000GB"], ["set_disk_free_limit", "50MB"]),
}


class Database(Postgres):
    """`variables` are set at the next start."""

    variables: dict[str, str] = {}

    def program(self) -> Program:
        program = super().program()
        return replace(program, environment=program.environment | self.variables)


class FaultySystem(System):
    def __enter__(self) -> Self:
        with ExitStack() as stack:
            with ThreadPoolExecutor(2) as pool:
                cluster, postgres = pool.submit(Cluster().__enter__), pool.submit(Database.throw_away().__enter__)
            self.postgres = postgres.result()
            stack.push(self.postgres)
            self.cluster = cluster.result()
            stack.push(self.cluster)
            direct = {name: self.postgres.create_database(name, "secret") for name in SERVICES}
            self.networks = {name: self._network(stack, url) for name, url in direct.items()}
            self.broker_networks = [self._network(stack, node.url) for node in self.cluster.nodes]
            self.environment |= {
                "USER_DATABASE_URL": self._by(self.networks["user_service"], direct["user_service"]),
                "TASK_DATABASE_URL": self._by(self.networks["task_service"], direct["task_service"]),
                "BROKER_URL": ",".join(
                    f"{self._by(network, node.url)}?heartbeat={HEARTBEAT_SECONDS}"
                    for network, node in zip(self.broker_networks, self.cluster.nodes, strict=True)
                ),
            }
            super().__enter__()
            self.databases = direct
            self.broker_url = ",".join(node.url for node in self.cluster.nodes)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        with self._stack:
            super().__exit__(*error)

    @staticmethod
    def _network(stack: ExitStack, url: str) -> Network:
        parts = urlsplit(url)
        return stack.enter_context(Network(parts.hostname, parts.port))

    @staticmethod
    def _by(network: Network, url: str) -> str:
        return url.replace(f":{network.target[1]}/", f":{network.port}/")

    def watch(self) -> None:
        """From here on what events do is noted. What the processes hold at most in the first writes is their need."""
        oracle.watch_mirrors(self)
        ledger.watch(self)
        looks = []
        with Load(self, seed=0) as load:
            for _ in range(6):
                load.more(10)
                looks.append(resources.held(self))
        oracle.check(self, load.answered)
        self.before = resources.most([*looks, resources.held(self)])

    # --- What can be done to it

    def restart_postgres(self, how: signal.Signals) -> None:
        """SIGINT is a fast shutdown, SIGQUIT an immediate one."""
        os.kill(self.postgres.pid, how)
        self.postgres._process.wait(timeout=60)
        self.postgres.start()

    def end_sessions(self, service: str) -> int:
        """Terminate its database sessions; return how many there were."""
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s AND pid <> pg_backend_pid()"
        return len(self.sql(service, query, service))

    @contextmanager
    def alarm(self, what: str) -> Iterator[None]:
        """The broker has too little of it, and blocks whoever publishes."""
        begin, end = ALARMS[what]
        self.cluster.control(*begin)
        try:
            yield
        finally:
            self.cluster.control(*end)

    @contextmanager
    def databases_with(self, **variables: str) -> Iterator[None]:
        """Restart PostgreSQL with the variables, and at the end without."""
        try:
            self.postgres.variables = variables
            self.postgres.restart()
            yield
        finally:
            self.postgres.variables = {}
            self.postgres.restart()

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """SIGSTOP, and SIGCONT at the end: until then it is a zombie that believes to have its connections."""
        pid = self.pid(name)
        os.killpg(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(pid, signal.SIGCONT)

    @contextmanager
    def one_more(self, name: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
        """A second process of that name."""
        program = json.loads((self.data_dir / "run" / f"{name}.json").read_text())
        with (self.data_dir / "logs" / f"{name}.more.log").open("ab") as log:
            process = subprocess.Popen(
                program["command"], cwd=ROOT, env=program["environment"] | variables,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
            try:
                yield process
            finally:
                process.terminate()
                process.wait(timeout=30)

    @contextmanager
    def with_environment(self, names: list[str], **variables: str) -> Iterator[None]:
        """Restart the processes with more variables, and at the end without."""
        files = [self.data_dir / "run" / f"{name}.json" for name in names]
        before = [file.read_text() for file in files]
        try:
            with self.suspend(*names):
                for file, text in zip(files, before, strict=True):
                    program = json.loads(text)
                    program["environment"] |= variables
                    file.write_text(json.dumps(program))
            yield
        finally:
            with self.suspend(*names):
                for file, text in zip(files, before, strict=True):
                    file.write_text(text)
