"""What processes cost: so that a system is measured only while the other, and the machine, rest."""

import contextlib
import time

import psutil  # type: ignore[import-untyped]

RESTING = 0.15  # cores
PATIENCE_SECONDS = 60


def cpu_seconds(roots: list[int]) -> float:
    """Of these processes and all below them."""
    total = 0.0
    for root in roots:
        for process in (psutil.Process(root), *psutil.Process(root).children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
    return total


def cores_used(roots: list[int], seconds: float) -> float:
    before, start = cpu_seconds(roots), time.monotonic()
    time.sleep(seconds)
    return max(0.0, (cpu_seconds(roots) - before) / (time.monotonic() - start))


def wait_until_quiet(roots: list[int]) -> None:
    """Until relays and consumers have caught up with the last run's writes. Raises SystemExit."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while cores_used(roots, 0.4) > RESTING:
        if time.monotonic() > deadline:
            raise SystemExit(f"The systems still work {PATIENCE_SECONDS} s after the last request")


class Strangers:
    """What everything else on this machine takes away while the benchmark runs."""

    def __init__(self, roots: list[int]):
        self.roots = roots
        self.before = self._seconds()
        self.start = time.monotonic()

    def _seconds(self) -> float:
        machine, own = psutil.cpu_times(), psutil.Process().cpu_times()
        busy = sum(machine) - machine.idle - getattr(machine, "iowait", 0.0) - getattr(machine, "guest", 0.0)
        ours = own.user + own.system + own.children_user + own.children_system
        return float(busy - ours - cpu_seconds(self.roots))

    def cores(self) -> float:
        return max(0.0, (self._seconds() - self.before) / (time.monotonic() - self.start))
