"""A fault, and what came of it."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.faults import ledger, resources
from tests.faults.load import Load
from tests.faults.running import FaultySystem
from tests.system import oracle

QUIET_SECONDS = 60


class Measured(NamedTuple):
    fault: str
    events: int
    lost: int
    doubled: int
    recovery: float  # seconds from its end until everything was delivered

    def __str__(self) -> str:
        return f"| {self.fault} | {self.events} | {self.lost} | {self.doubled} | {self.recovery:.1f} s |"


class Fault:
    """`with`: people write while something is broken in the block. Its end is the healing: then I1 to I7."""

    def __init__(self, system: FaultySystem, name: str, seed: int, note: Callable[[Measured], None]) -> None:
        self.system, self.name, self.seed, self.note = system, name, seed, note

    def __enter__(self) -> Load:
        self.since = ledger.mark(self.system)
        self.load = Load(self.system, seed=self.seed)
        self.load.__enter__()
        return self.load

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        healed = time.monotonic()
        self.load.__exit__(kind, *error)
        if kind is not None:
            return
        with suppress(AssertionError):  # what is lost is counted first
            self.system.eventually(lambda: oracle.is_quiet(self.system), seconds=QUIET_SECONDS)
        recovery = time.monotonic() - healed
        lost, doubled = ledger.lost(self.system), ledger.doubled(self.system)
        written = ledger.written_since(self.system, self.since)
        self.note(Measured(self.name, written, len(lost), len(doubled), recovery))
        check(self.system, [self.load])


def check(system: FaultySystem, loads: list[Load]) -> None:
    """I1 to I7, of what was answered 2xx meanwhile."""
    for load in loads:
        load.check()
    trash = system.sql("task_service", "SELECT id::text FROM tasks_task WHERE deleted_at IS NOT NULL")
    assert {task for load in loads for task in load.deleted} <= {key for (key,) in trash}, "I1: deleted, and there"
    assert ledger.doubled(system) == [], "I3: twice, or half"
    with suppress(AssertionError):  # what was killed needs a moment to be all there
        system.eventually(lambda: not resources.leaks(resources.held(system), system.before), seconds=20)
    leaks = resources.leaks(resources.held(system), system.before)
    assert leaks == {}, f"I7: before and now: {leaks}"


def table(rows: list[Measured]) -> str:
    head = ["| fault | events | lost | doubled | recovery |", "|---|---|---|---|---|"]
    return "\n".join([*head, *map(str, rows)])


def write_table(rows: list[Measured], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(table(rows) + "\n")
