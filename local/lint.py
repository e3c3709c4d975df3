"""`make lint`: every check, also after one has failed; production settings with secrets of this run."""

import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

from local.settings import ROOT, SERVICES

BIN = Path(sys.executable).parent
FOLDERS = {"user_service": ["user_service", "common", "local"], "task_service": ["task_service"]}


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        environment = production_environment(Path(folder))
        failed = [" ".join(command) for command in commands() if not passes(command, environment)]
    for command in failed:
        print(f"Failed: {command}", file=sys.stderr)
    return 1 if failed else 0


def commands() -> list[list[str]]:
    every = [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["lint-imports"]]
    every.append(["python", "-m", "local.contracts", "--check"])
    for service in SERVICES:
        manage = ["python", f"{service}/manage.py"]
        if service == "user_service":
            every.append([*manage, "create_signing_key"])
        every += [
            ["env", f"DJANGO_SETTINGS_MODULE={service}.settings", "mypy", *FOLDERS[service]],
            [*manage, "makemigrations", "--check", "--dry-run"],
            [*manage, "check", "--deploy", "--fail-level", "WARNING"],
            [*manage, "spectacular", "--validate", "--fail-on-warn", "--api-version", "v1", "--file", os.devnull],
        ]
    return every


def passes(command: list[str], environment: dict[str, str]) -> bool:
    print(f"== {' '.join(command)}", flush=True)
    return subprocess.run(command, cwd=ROOT, env=environment).returncode == 0


def production_environment(folder: Path) -> dict[str, str]:
    """No database is behind the URL: the checks need none."""
    return os.environ | {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "ENVIRONMENT": "production",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "SERVICE_CREDENTIAL": secrets.token_urlsafe(32),
        "DATABASE_URL": "postgres://lint:lint@127.0.0.1:9/lint",
        "BROKER_URL": "amqp://lint:lint@127.0.0.1:9/%2F",
        "PEERS": "",
        "PUBLIC_URL": "https://tandem.example",
        "JWKS_URL": "http://127.0.0.1:9/.well-known/jwks.json",
        "SIGNING_KEYS_DIR": str(folder / "signing_keys"),
        "EMAIL_URL": "smtp+tls://127.0.0.1:9",
        "STATIC_ROOT": str(folder / "static"),
        "PYTHONWARNINGS": "ignore:Got an error checking a consistent migration history:RuntimeWarning",
    }


if __name__ == "__main__":
    sys.exit(main())
