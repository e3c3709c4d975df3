"""Waiting for something to be true, and what to show of a log when it is not."""

import time
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from local.errors import StartError


def wait_until(condition: Callable[[], bool], what: str, timeout: float, log: Path) -> None:
    """Raises StartError with the end of the log."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise StartError(f"{what} is not ready after {timeout:.0f} s{tail(log)}")
        time.sleep(0.1)


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (URLError, OSError):
        return False


def tail(log: Path) -> str:
    if not log.exists():
        return ""
    lines = log.read_text(errors="replace").splitlines()[-15:]
    return "\n".join([f"; the end of {log}:", *(f"    {line}" for line in lines)])
