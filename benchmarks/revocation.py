"""How long an ended sign-in is still taken: from the log-out's answer to the refusal, at each service."""

import time
from statistics import median
from urllib.error import HTTPError

from benchmarks.api import JSON, TANDEM, Client
from benchmarks.load import Request

TIMES = 20
SURE = 10  # refusals in a row: each service has several web processes
PATIENCE_SECONDS = 30
ASKED = {"user_service": "/api/v1/users/me/", "task_service": TANDEM.page + "1"}

Delays = dict[str, list[float]]  # by service, in seconds


def measure(tandem: Client, people: list[str]) -> Delays:
    """Raises SystemExit where a token that should be good is refused, or one that was ended is not."""
    delays: Delays = {service: [] for service in ASKED}
    for person in people[:TIMES]:
        token = tandem.token(person)
        if any(is_refused(tandem, path, token) for path in ASKED.values()):
            raise SystemExit(f"Tandem refuses {person}, who has just signed in")
        tandem.call(Request("POST", "/api/v1/auth/logout-all/", JSON, "{}"), token)
        for service, delay in until_refused(tandem, token).items():
            delays[service].append(delay)
    return delays


def until_refused(tandem: Client, token: str) -> dict[str, float]:
    """Return when the first of the refusals in a row came, by service."""
    started = time.perf_counter()
    first: dict[str, float] = {}
    in_a_row = dict.fromkeys(ASKED, 0)
    while min(in_a_row.values()) < SURE:
        for service, path in ASKED.items():
            now = time.perf_counter() - started
            if now > PATIENCE_SECONDS:
                raise SystemExit(f"Tandem still takes an ended sign-in after {PATIENCE_SECONDS} s")
            in_a_row[service] = in_a_row[service] + 1 if is_refused(tandem, path, token) else 0
            if in_a_row[service] == 1:
                first[service] = now
    return first


def is_refused(tandem: Client, path: str, token: str) -> bool:
    try:
        tandem.call(Request("GET", path), token)
    except HTTPError as error:
        if error.code == 401:
            return True
        raise
    return False


def table(delays: Delays) -> str:
    rows = [f"| {name} | {1000 * median(times):.0f} | {1000 * max(times):.0f} |" for name, times in delays.items()]
    return "\n".join(["| an ended sign-in is refused by | median ms | max ms |", "|---|--:|--:|", *rows])
