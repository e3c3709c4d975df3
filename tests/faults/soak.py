"""`make soak SECONDS=600 SEED=7`: people write, and every few seconds something else breaks; then I1 to I7.

The seed decides what breaks, in which order and for how long. Who fails prints it, and keeps the logs.
"""

import random
import secrets
import shutil
import sys
import time
from collections import defaultdict
from contextlib import suppress

from local.settings import ROOT
from tests.faults import ledger, trouble
from tests.faults.fault import Measured, check, table, write_table
from tests.faults.load import Load
from tests.faults.running import FaultySystem
from tests.system import oracle

SHIFT_SECONDS = 240  # people go before their tokens run out
CATCH_UP_SECONDS = 120
FOLDER = ROOT / ".local" / "soak"


def main(seconds: str = "600", seed: str = "") -> int:
    seed = seed or str(secrets.randbelow(1_000_000))
    print(f"Seed {seed}, {seconds} s", flush=True)
    with FaultySystem(ERASURE_DEADLINE_SECONDS="60") as system:
        try:
            system.watch()
            rows = soak(system, random.Random(seed), float(seconds), int(seed))
        except BaseException:
            shutil.copytree(system.data_dir / "logs", FOLDER / seed, dirs_exist_ok=True)
            print(f"Failed: make soak SECONDS={seconds} SEED={seed}; logs are in {FOLDER / seed}", flush=True)
            raise
    write_table(rows, FOLDER / "summary.md")
    print(f"{table(rows)}\nI1 to I7 hold. Seed {seed}", flush=True)
    return 0


def soak(system: FaultySystem, chance: random.Random, seconds: float, seed: int) -> list[Measured]:
    """Answer a row for each kind of fault."""
    end, measured, loads = time.monotonic() + seconds, [], []
    while time.monotonic() < end:
        with Load(system, seed=seed) as load:
            over = min(end, time.monotonic() + SHIFT_SECONDS)
            while time.monotonic() < over:
                measured.append(break_something(system, chance, load))
                print(measured[-1], flush=True)
        loads.append(load)
    with suppress(AssertionError):
        system.eventually(lambda: oracle.is_quiet(system), seconds=CATCH_UP_SECONDS)
    check(system, loads)
    return summary(measured)


def break_something(system: FaultySystem, chance: random.Random, load: Load) -> Measured:
    """Break and heal it, and wait until all that was written by then is heard, while people go on."""
    since, name = ledger.mark(system), chance.choice(list(trouble.TROUBLES))
    doubled = len(ledger.doubled(system))
    load.ending.wait(chance.uniform(1, 5))
    trouble.TROUBLES[name](system, chance, load.ending.wait)
    healed, until = time.monotonic(), ledger.mark(system)
    with suppress(AssertionError):
        system.eventually(lambda: not ledger.unheard(system, since, until), seconds=CATCH_UP_SECONDS)
    recovery, lost = time.monotonic() - healed, len(ledger.unheard(system, since, until))
    written = sum(until) - sum(since)
    return Measured(name, written, lost, len(ledger.doubled(system)) - doubled, recovery)


def summary(measured: list[Measured]) -> list[Measured]:
    """Add up what was measured, with the longest recovery."""
    kinds: dict[str, list[Measured]] = defaultdict(list)
    for each in measured:
        kinds[each.fault].append(each)
    return [
        Measured(
            f"{name}, {len(rows)} times",
            sum(row.events for row in rows),
            sum(row.lost for row in rows),
            sum(row.doubled for row in rows),
            max(row.recovery for row in rows),
        )
        for name, rows in sorted(kinds.items())
    ]


if __name__ == "__main__":
    sys.exit(main(*filter(None, sys.argv[1:])))
