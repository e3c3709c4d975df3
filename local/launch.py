"""`python -m local.launch FILE`: become the program that the file describes; supervisord starts every process so."""

import os
import subprocess
import sys
from pathlib import Path

from local.accounts import become, identity
from local.ports import wait_for_port
from local.program import Program, kill_leftovers, remember_process


def main(path: Path) -> None:
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


if __name__ == "__main__":
    main(Path(sys.argv[1]))
