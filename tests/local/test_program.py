import subprocess
import sys
import time

import psutil
import pytest

from local.program import Program
from local.settings import ROOT


def launch(specification):
    command = [sys.executable, "-m", "local.launch", str(specification)]
    return subprocess.Popen(command, cwd=ROOT, start_new_session=True)


def child_of(process):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if children := psutil.Process(process.pid).children():
            return children[0]
        time.sleep(0.05)
    pytest.fail("no child came")


def test_the_next_start_ends_what_a_killed_program_left(tmp_path):
    program = Program(
        name="parent", command=["sh", "-c", "sleep 600 & wait"], environment={"PATH": "/usr/bin:/bin"}, folder=tmp_path
    )
    specification = program.save(tmp_path)
    first = launch(specification)
    orphan = child_of(first)
    first.kill()
    first.wait()
    assert orphan.is_running()
    second = launch(specification)
    try:
        child_of(second)
        assert not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE
    finally:
        (specification.with_suffix(".json")).unlink()
        for process in [*psutil.Process(second.pid).children(), second]:
            process.kill()
        second.wait()
