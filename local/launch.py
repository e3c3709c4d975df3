"""`python -m local.launch FILE [LOG]`: become the program that the file describes; how supervisord starts processes."""

import os
import subprocess
import sys
from pathlib import Path

from local.accounts import become, identity
from local.ports import wait_for_port
from local.program import Program, kill_leftovers, remember_process

LOG_BYTES = 10_000_000


def main(path: Path, log: Path | None = None) -> None:
    if log is not None:
        log_to(log)
    program = Program.load(path)
    pid_file = path.with_suffix(".pid")
    kill_leftovers(pid_file)
    remember_process(pid_file)
    os.chdir(program.folder)
    if program.helper:
        subprocess.Popen(program.helper, env=program.environment, **identity(program.account))
        wait_for_port(program.helper_port, timeout=10)
    if program.account:
        become(program.account)
    os.execvpe(program.command[0], program.command, program.environment)


def log_to(log: Path) -> None:
    """Write straight to the file: through supervisord each line costs as much again as the request that it is about."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".1.log"))
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(file, sys.stdout.fileno())
    os.dup2(file, sys.stderr.fileno())


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
