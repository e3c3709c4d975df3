"""What the processes of a system cost: so that one is measured only while the other rests."""

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
