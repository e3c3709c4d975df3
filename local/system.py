"""The whole system: what it consists of here, and the order in which it starts."""

import contextlib
import secrets
import subprocess
from functools import partial
from pathlib import Path

from local.errors import StartError
from local.postgres import Postgres
from local.rabbitmq import RabbitMQ, find_server
from local.server import Server
from local.services import Service, edge, make_services
from local.settings import SERVICES, Settings
from local.state import State, find_home
from local.supervisor import Supervisor
from local.waiting import answers, tail, wait_until

WEB_START_SECONDS = 120
DELIVERY_SECONDS = 15


class System:
    def __init__(self, settings: Settings, supervisor: Supervisor):
        self.settings = settings
        self.supervisor = supervisor
        self.state = State(settings.data_dir / "state.json")
        self.logs = settings.data_dir / "logs"
        self.ports = self.state.ports(["postgres", "rabbitmq", "rabbitmq.peer", "rabbitmq.mapper", *SERVICES])
        self.home = find_home(settings.data_dir, self.state)
        if self.home != settings.data_dir:
            say(f"Other accounts cannot enter {settings.data_dir}: the servers keep their files in {self.home}.")
        self.postgres = self._own_postgres()
        self.rabbitmq = self._own_rabbitmq()

    def start(self) -> None:
        services = self._services()
        servers = self._servers()
        for server in servers.values():
            server.prepare()
        programs = [program for service in services for program in service.programs()]
        groups = {name: [server.program()] for name, server in servers.items()}
        door = edge(self.settings, self.ports, self.home / "edge")
        self.supervisor.start(groups | {"services": programs, "edge": [door]})
        self._await_servers(servers)
        password = self._set_up(services)
        self._start_ours(services)
        self._greet(password)

    def _servers(self) -> dict[str, Server]:
        servers = {"database": self.postgres, "broker": self.rabbitmq}
        return {name: server for name, server in servers.items() if server is not None}

    def _own_postgres(self) -> Postgres | None:
        if all(self.settings.database_urls.values()):
            return None
        return Postgres(
            self.home / "postgres",
            port=self.ports["postgres"],
            password=self.state.secret("postgres"),
            max_connections=100 + 4 * self.settings.web_workers,
        )

    def _own_rabbitmq(self) -> RabbitMQ | None:
        if self.settings.broker_url or find_server() is None:
            return None
        return RabbitMQ(
            self.home / "rabbitmq",
            name=self.state.secret("node")[:8],
            port=self.ports["rabbitmq"],
            peer_port=self.ports["rabbitmq.peer"],
            mapper_port=self.ports["rabbitmq.mapper"],
            password=self.state.secret("rabbitmq"),
        )

    def _services(self) -> list[Service]:
        urls = {
            name: url
            or (self.postgres.database_url(name, self.state.secret(f"{name}.database")) if self.postgres else "")
            for name, url in self.settings.database_urls.items()
        }
        broker_url = self.settings.broker_url or (self.rabbitmq.url if self.rabbitmq else "")
        return make_services(self.settings, self.state, self.ports, urls, broker_url)

    def _broker_line(self) -> str:
        if self.settings.broker_url:
            return "Events travel by the broker of BROKER_URL."
        if self.rabbitmq:
            return "Events travel by a RabbitMQ node of our own."
        return "Events travel by HTTP from service to service: rabbitmq-server is not installed and BROKER_URL not set."

    def _await_servers(self, servers: dict[str, Server]) -> None:
        wait_until(self._supervisor_answers, "supervisord", 20, self.logs / "supervisord.log")
        for group in servers:
            self.supervisor.start_group(group)
        for server in servers.values():
            name = server.program().name
            say(f"Starting {name} …")
            try:
                server.wait_until_ready(self.supervisor.is_running)
            except StartError as error:
                raise StartError(f"{error}{tail(self.logs / f'{name}.log')}") from None
        if self.postgres:
            for name, url in self.settings.database_urls.items():
                if not url:
                    self.postgres.create_database(name, self.state.secret(f"{name}.database"))

    def _supervisor_answers(self) -> bool:
        if not self.supervisor.is_running():
            raise StartError(f"supervisord ended{tail(self.logs / 'supervisord.log')}")
        try:
            return bool(self.supervisor.processes())
        except OSError:
            return False

    def _set_up(self, services: list[Service]) -> str:
        """Answers the operator's password if it was made now."""
        say("Bringing both databases up to date …")
        password = self._new_password()
        running = [(service, self._start_set_up(service, password)) for service in services]
        try:
            for service, process in running:
                if process.wait() != 0:
                    raise StartError(f"{service.name} cannot be set up{tail(self._set_up_log(service))}")
        finally:
            for _, process in running:
                process.terminate()
                process.wait()
        return password

    def _start_set_up(self, service: Service, password: str) -> subprocess.Popen[bytes]:
        commands, variables = ["migrate --noinput", "collectstatic --noinput"], {}
        if service.name == "user_service":
            commands += ["create_signing_key"]
            if given := password or self.settings.operator_password:
                commands += ["ensure_operator --reset" if password else "ensure_operator"]  # what is shown is good
                variables = {"OPERATOR_USERNAME": self.settings.operator_username, "OPERATOR_PASSWORD": given}
        return service.start_set_up(commands, variables, self._set_up_log(service))

    def _set_up_log(self, service: Service) -> Path:
        return self.logs / f"{service.name}.setup.log"

    def _new_password(self) -> str:
        """For an operator whom this database does not know yet and for whom no password was given."""
        known = self.state.fact(f"operator {self.settings.operator_username}") == self._user_database()
        return "" if known or self.settings.operator_password else secrets.token_urlsafe(12)

    def _user_database(self) -> str:
        """An operator is known in one database; the URL's password stays out of the notes."""
        return self.settings.database_urls["user_service"].rpartition("@")[2] or "own"

    def _start_ours(self, services: list[Service]) -> None:
        say("Starting the services …")
        self.supervisor.start_group("services")
        for service in services:
            self._await_web(service)
        self.supervisor.start_group("edge")
        health = f"http://127.0.0.1:{self.settings.port}/healthz"
        wait_until(partial(answers, health), "edge", 30, self.logs / "edge.log")
        for process in self.supervisor.processes():
            log = self.logs / f"{process.name}.log"
            wait_until(partial(self.supervisor.runs, process.name), process.name, 20, log)
        self._await_deliveries(services)

    def _await_deliveries(self, services: list[Service]) -> None:
        """An operator could sign in before task_service has heard of them; without a broker it starts all the same."""
        with contextlib.suppress(StartError):
            for service in services:
                name = f"{service.name}.relay"
                wait_until(service.owes_nothing, name, DELIVERY_SECONDS, self.logs / f"{name}.log")

    def _await_web(self, service: Service) -> None:
        name = f"{service.name}.web"
        log = self.logs / f"{name}.log"
        first = self.supervisor.process(name).pid

        def is_ready() -> bool:
            if self.supervisor.process(name).pid != first:
                raise StartError(f"{name} does not stay up{tail(log)}")
            return answers(service.ready_url)

        wait_until(is_ready, name, WEB_START_SECONDS, log)

    def _greet(self, password: str) -> None:
        name = self.settings.operator_username
        say("")
        say(f"Operator: {name}, password {password} (shown once)" if password else f"Operator: {name}")
        self.state.note(f"operator {name}", self._user_database())
        say(self._broker_line())
        say(f"Logs:     {self.logs}")
        say(f"Mail:     {self.settings.data_dir / 'mail'}")
        say(f"Ready: http://localhost:{self.settings.port}")


def say(line: str) -> None:
    print(line, flush=True)
