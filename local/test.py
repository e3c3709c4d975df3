"""`make test`: each suite against a PostgreSQL and a RabbitMQ that live as long as it.

`python -m local.test task_service -k keyset` runs one suite, the rest of the line goes to pytest.
"""

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack

from local.postgres import Postgres
from local.rabbitmq import RabbitMQ, find_server
from local.settings import ROOT, SERVICES

PACKAGES = {"rabbitmq-server": "rabbitmq-server", "chromium": "chromium", "chromedriver": "chromium-driver"}


def main(arguments: list[str]) -> int:
    install_missing()
    if find_server() is None and os.environ.get("CI") == "true":
        print("CI=true, but rabbitmq-server is not installed", file=sys.stderr)
        return 1
    suites = [*SERVICES, "local", "system"]
    if arguments and arguments[0] in suites:
        suites, arguments = arguments[:1], arguments[1:]
    failed = [suite for suite in suites if run_suite(suite, arguments) != 0]
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def install_missing() -> None:
    """By apt where we may; elsewhere the tests that need the program are skipped with the reason."""
    missing = [package for program, package in PACKAGES.items() if shutil.which(program) is None]
    if not missing or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    print(f"Installing {', '.join(missing)} …", flush=True)
    # Run level 1 keeps the package from starting a server of the machine's own.
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
        subprocess.run(["apt-get", "--quiet", "--quiet", *command], env=environment, stdout=subprocess.DEVNULL)


def run_suite(suite: str, arguments: list[str]) -> int:
    print(f"== {suite}", flush=True)
    command = [sys.executable, "-m", "pytest"]
    if suite not in SERVICES:
        return subprocess.run([*command, "-p", "no:django", f"tests/{suite}", *arguments], cwd=ROOT).returncode
    command += [f"--ds={suite}.settings", "tests/common", f"tests/{suite}", *arguments]
    with ExitStack() as stack:
        database_url = stack.enter_context(Postgres.throw_away()).url(suite)
        broker_url = stack.enter_context(RabbitMQ.throw_away()).url if find_server() else ""
        return subprocess.run(command, cwd=ROOT, env=os.environ | settings(database_url, broker_url)).returncode


def settings(database_url: str, broker_url: str) -> dict[str, str]:
    """A service's environment for its unit tests."""
    return {
        "ENVIRONMENT": "local",
        "SECRET_KEY": "local-only-key-of-the-tests",
        "SERVICE_CREDENTIAL": "local-only-credential-of-the-tests",
        "DATABASE_URL": database_url,
        "BROKER_URL": broker_url,
        "EVENT_PEERS": "http://127.0.0.1:9/internal/events/",
        "PUBLIC_URL": "http://localhost:8080",
        "JWKS_URL": "http://127.0.0.1:9/.well-known/jwks.json",
        "SIGNING_KEYS_DIR": str(ROOT / ".local" / "test" / "signing_keys"),
        "STATIC_ROOT": str(ROOT / ".local" / "test" / "static"),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
