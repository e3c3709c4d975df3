"""`make test`: each suite against a PostgreSQL and a RabbitMQ that live as long as it; some at once.

`python -m local.test task_service -k keyset` runs one suite, the rest of the line goes to pytest. With the others only
the quick ones of the faults run; `python -m local.test faults` is `make test-faults`.
"""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from tempfile import TemporaryFile

from local.postgres import Postgres
from local.rabbitmq import RabbitMQ, find_server
from local.settings import ROOT, SERVICES

AT_ONCE = 3  # for two cores: those that break a system mostly wait for it
QUICK = {"system": "not long", "faults": "quick"}  # what `make test` takes of them
PACKAGES = {
    "rabbitmq-server": "rabbitmq-server",
    "chromium": "chromium",
    "chromedriver": "chromium-driver",
    "faketime": "faketime",
}


def main(arguments: list[str]) -> int:
    install_missing()
    if find_server() is None and os.environ.get("CI") == "true":
        print("CI=true, but rabbitmq-server is not installed", file=sys.stderr)
        return 1
    suites = ["system", *SERVICES, "faults", "local"]  # the longest first
    if arguments and arguments[0] in suites:
        failed = [] if run_suite(arguments[0], arguments[1:]) == 0 else arguments[:1]
    else:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            run = partial(run_suite, arguments=arguments, at_the_end=True, only_quick=True)
            failed = [suite for suite, code in zip(suites, pool.map(run, suites), strict=True) if code != 0]
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


def run_suite(suite: str, arguments: list[str], *, at_the_end: bool = False, only_quick: bool = False) -> int:
    """Return pytest's exit code.

    `at_the_end`: print what it says in one piece, for several run at once. `only_quick`: what `make test` takes of it.
    """
    print(f"== {suite} …" if at_the_end else f"== {suite}", flush=True)
    command, environment = [sys.executable, "-m", "pytest"], dict(os.environ)
    with ExitStack() as stack:
        if suite in SERVICES:
            command += [f"--ds={suite}.settings", "tests/common", f"tests/{suite}"]
            database_url = stack.enter_context(Postgres.throw_away()).url(suite)
            broker_url = stack.enter_context(RabbitMQ.throw_away()).url if find_server() else ""
            environment |= settings(database_url, broker_url)
        else:
            command += ["-p", "no:django", f"tests/{suite}"]
            command += ["-m", QUICK[suite]] if only_quick and suite in QUICK else []
        said = stack.enter_context(TemporaryFile()) if at_the_end else None
        stream = subprocess.STDOUT if said else None
        code = subprocess.run([*command, *arguments], cwd=ROOT, env=environment, stdout=said, stderr=stream).returncode
        if said:
            said.seek(0)
            print(f"== {suite}\n{said.read().decode(errors='replace')}", flush=True)
    return code


def settings(database_url: str, broker_url: str) -> dict[str, str]:
    """A service's environment for its unit tests."""
    return {
        "ENVIRONMENT": "local",
        "SECRET_KEY": "local-only-key-of-the-tests",
        "SERVICE_CREDENTIAL": "local-only-credential-of-the-tests",
        "DATABASE_URL": database_url,
        "BROKER_URL": broker_url,
        "PEERS": "user_service=http://127.0.0.1:9,task_service=http://127.0.0.1:9",
        "PUBLIC_URL": "http://localhost:8080",
        "JWKS_URL": "http://127.0.0.1:9/.well-known/jwks.json",
        "SIGNING_KEYS_DIR": str(ROOT / ".local" / "test" / "signing_keys"),
        "STATIC_ROOT": str(ROOT / ".local" / "test" / "static"),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
