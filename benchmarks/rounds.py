"""Runs in turn: never both systems at a time, and none before the last one's writes have settled."""

from dataclasses import dataclass, field

from benchmarks.api import Client
from benchmarks.load import Result, RunError, Workload, put_load
from benchmarks.quiet import wait_until_quiet
from benchmarks.report import Results, say

OPERATIONS = ("list", "get", "login", "create")  # creates come last: they lengthen the tables under the others


@dataclass
class Rounds:
    systems: tuple[Client, Client]
    people: list[str]
    processes: list[int]
    clients: list[int]
    results: Results = field(default_factory=dict)

    def measure(self, operation: str, *, rounds: int, seconds: int) -> None:
        """Half as many rounds of logins: argon2's cost leaves them little to vary by."""
        count = (rounds + 1) // 2 if operation == "login" else rounds
        for number in range(count):
            say(f"{operation}, round {number + 1} of {count}")
            work = [(system, system.workload(operation, self.people)) for system in self.systems]
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
        result = put_load(system.origin, workload, clients=clients, seconds=seconds)
        wait_until_quiet(self.processes)
        return result
