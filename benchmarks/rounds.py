"""Runs in turn: never both systems at a time, and none before the last one's writes have settled."""

from dataclasses import dataclass, field

from benchmarks.api import Client
from benchmarks.load import RunError, Workload, put_load
from benchmarks.quiet import cpu_seconds, wait_until_quiet
from benchmarks.report import Result, Results, say
from benchmarks.systems import POSTGRESQL, Running

OPERATIONS = ("list", "get", "login", "create")  # creates come last: they lengthen the tables under the others


@dataclass
class Rounds:
    systems: Running
    people: list[str]
    clients: list[int]
    results: Results = field(default_factory=dict)

    def measure(self, operation: str, *, rounds: int, seconds: int) -> None:
        """Half as many rounds of logins: argon2's cost leaves them little to vary by."""
        count = (rounds + 1) // 2 if operation == "login" else rounds
        for number in range(count):
            say(f"{operation}, round {number + 1} of {count}")
            work = [
                (system, system.workload(operation, self.people)) for system in (self.systems.tandem, self.systems.peer)
            ]
            if number % 2:
                work.reverse()
            if number == 0 and operation != "login":  # a password's cost knows no warm-up
                for system, workload in work:
                    self.run(system, workload, max(self.clients), seconds=1)
            for clients in self.clients:
                for system, workload in work:
                    result = self.try_run(system, workload, clients, seconds)
                    self.results.setdefault((operation, clients, system.api.name), []).append(result)

    def try_run(self, system: Client, workload: Workload, clients: int, seconds: int) -> Result | None:
        try:
            return self.run(system, workload, clients, seconds)
        except RunError as failure:
            say(f"FAILED: {system.api.name} at {clients} clients: {failure}")
            return None

    def run(self, system: Client, workload: Workload, clients: int, seconds: int) -> Result:
        working = self.systems.processes[system.api.name] + self.systems.processes[POSTGRESQL]
        before = cpu_seconds(working)
        answered = put_load(system.origin, workload, clients=clients, seconds=seconds)
        wait_until_quiet(self.systems.everything)
        return Result(
            requests_per_second=answered.requests / answered.seconds,
            p50_ms=answered.p50_ms,
            p99_ms=answered.p99_ms,
            # When wrk leaves, one request of each client is still in work.
            cpu_ms=1000 * (cpu_seconds(working) - before) / (answered.requests + clients),
        )
