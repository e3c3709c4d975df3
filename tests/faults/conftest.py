import os
import shutil
from collections.abc import Iterator
from functools import partial

import pytest

from local.rabbitmq import find_server
from local.settings import ROOT
from tests.faults.fault import Fault, Measured, table, write_table
from tests.faults.running import FaultySystem
from tests.system.running import Person

SUMMARY = ROOT / ".local" / "test" / "faults.md"
LOGS = SUMMARY.with_name("faults.logs")
MEASURED: list[Measured] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test also waits for the start of the system."""
    for item in items:
        item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session")
def system(request: pytest.FixtureRequest) -> Iterator[FaultySystem]:
    """The one system that the faults are done to. Who breaks something in it heals it before the test ends.

    After a failure its logs are kept.
    """
    if find_server() is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("rabbitmq-server is not installed")
    with FaultySystem(ERASURE_DEADLINE_SECONDS="60") as running:
        running.watch()
        yield running
        if request.session.testsfailed:
            shutil.copytree(running.data_dir / "logs", LOGS, dirs_exist_ok=True)


@pytest.fixture
def fault(system: FaultySystem, request: pytest.FixtureRequest):
    """`with fault("what is broken") as load:` — see Fault."""
    return partial(Fault, system, seed=sum(request.node.name.encode()), note=MEASURED.append)


@pytest.fixture
def alice(system: FaultySystem) -> Person:
    return system.register("alice")


@pytest.fixture
def bob(system: FaultySystem) -> Person:
    return system.register("bob")


def pytest_terminal_summary(terminalreporter) -> None:
    if MEASURED:
        terminalreporter.section("Faults")
        terminalreporter.write_line(table(MEASURED))
        write_table(MEASURED, SUMMARY)
