"""`python -m benchmarks.outage`: the broker is stopped for a minute while people write."""

import json
import secrets
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from statistics import median, quantiles

import psycopg

from benchmarks.api import JSON, TANDEM, Client
from benchmarks.quiet import wait_until_quiet
from benchmarks.report import machine, say
from benchmarks.systems import Tandem, tandem_alone
from local.errors import StartError
from local.supervisor import Supervisor

WRITERS = 4
WRITES_A_SECOND = 10  # of each writer
USUAL_SECONDS = OUTAGE_SECONDS = 60
SETTLE_SECONDS = 10
PATIENCE_SECONDS = 120


@dataclass
class Phase:
    """`delays` are the seconds that each write took, `failed` what was answered instead of 201."""

    name: str
    delays: list[float] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)

    @property
    def p95(self) -> float:
        return quantiles(self.delays, n=20)[18]

    def row(self, usual: "Phase") -> str:
        slow = sum(delay > 2 * usual.p95 for delay in self.delays)
        times = [median(self.delays), self.p95, max(self.delays)]
        figures = " | ".join(f"{1000 * each:.1f}" for each in times)
        return f"| {self.name} | {len(self.delays)} | {len(self.failed)} | {figures} | {slow} |"


class Writer:
    """Writes at its own pace, whatever the phase is."""

    def __init__(self, port: int, token: str, phases: list[Phase], over: threading.Event) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=30)
        self.headers = {"Content-Type": JSON, "Authorization": f"Bearer {token}"}
        self.phases, self.over = phases, over

    def run(self) -> None:
        due = time.perf_counter()
        while not self.over.is_set():
            due += 1 / WRITES_A_SECOND
            self.write(self.phases[-1])
            time.sleep(max(0.0, due - time.perf_counter()))
        self.connection.close()

    def write(self, phase: Phase) -> None:
        body = json.dumps({"title": f"Task {secrets.token_hex(8)}"})
        started = time.perf_counter()
        self.connection.request("POST", "/api/v1/tasks/", body, self.headers)
        answer = self.connection.getresponse()
        answer.read()
        phase.delays.append(time.perf_counter() - started)
        if answer.status != 201:
            phase.failed.append(answer.status)


def main() -> int:
    try:
        with tandem_alone(workers=2) as (tandem, everything):
            client = Client(TANDEM, f"http://127.0.0.1:{tandem.port}")
            for number in range(WRITERS):
                client.register(f"writer{number}")
            tokens = [client.token(f"writer{number}") for number in range(WRITERS)]
            wait_until_quiet(everything)
            phases, delivered = measure(tandem, tokens)
    except StartError as error:
        print(f"The benchmark does not start: {error}", file=sys.stderr)
        return 1
    print_report(phases, delivered)
    return 1 if any(phase.failed for phase in phases) else 0


def measure(tandem: Tandem, tokens: list[str]) -> tuple[list[Phase], float]:
    """Return the phases, and the seconds from the broker's return until all that was owed then had its effect."""
    supervisor, over = Supervisor(tandem.folder), threading.Event()
    phases = [Phase("first writes")]
    with ThreadPoolExecutor(WRITERS) as pool:
        running = [pool.submit(Writer(tandem.port, token, phases, over).run) for token in tokens]
        try:
            time.sleep(SETTLE_SECONDS)
            for name, seconds in (("broker there", USUAL_SECONDS), ("broker stopped", OUTAGE_SECONDS)):
                say(f"{name}: {seconds} s")
                phases.append(Phase(name))
                if name == "broker stopped":
                    supervisor._call("stopProcessGroup", "broker", True)
                time.sleep(seconds)
            phases.append(Phase("broker back"))
            supervisor._call("startProcessGroup", "broker", True)
            delivered = until_delivered(tandem)
        finally:
            over.set()
    for each in running:
        each.result()
    return phases[1:], delivered


def until_delivered(tandem: Tandem) -> float:
    started = time.perf_counter()
    source, mirror = (
        psycopg.connect(database, autocommit=True) for database in (tandem.task_database, tandem.user_database)
    )
    with source, mirror:
        owed = {row[0] for row in source.execute("SELECT event_id FROM common_outboxevent WHERE state <> 'sent'")}
        say(f"{len(owed)} events were owed when the broker came back")
        while owed:
            if time.perf_counter() - started > PATIENCE_SECONDS:
                raise SystemExit(f"{len(owed)} events are not there {PATIENCE_SECONDS} s after the broker's return")
            time.sleep(0.1)
            query = "SELECT event_id FROM common_inboxevent WHERE event_id = ANY(%s)"
            owed -= {row[0] for row in mirror.execute(query, [list(owed)])}
    return time.perf_counter() - started


def print_report(phases: list[Phase], delivered: float) -> None:
    print(f"\n{WRITERS * WRITES_A_SECOND} writes a second; {machine()}\n")
    print("| | writes | failed | p50 ms | p95 ms | most ms | slower than twice the usual p95 |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for phase in phases:
        print(phase.row(phases[0]))
    print(f"\nAll that was owed was delivered {delivered:.1f} s after the broker's start was asked for.")


if __name__ == "__main__":
    sys.exit(main())
