"""`make bench`: Tandem and a FastAPI peer side by side, through nginx, on one PostgreSQL."""

import argparse
import os
import signal
import sys
from types import FrameType

from benchmarks import fill, mirror, revocation
from benchmarks.api import PEER, TANDEM
from benchmarks.load import ensure_wrk
from benchmarks.quiet import Strangers, cores_used, wait_until_quiet
from benchmarks.report import Results, machine, say, table
from benchmarks.rounds import OPERATIONS, Rounds
from benchmarks.systems import Running, running
from local.errors import StartError

REVOCATION = "revocation"
MIRROR = "mirror"  # by itself: it needs no peer, and many tasks
MEASURED = (*OPERATIONS, REVOCATION)
PEOPLE = [f"person{number}" for number in range(300)]


def main() -> int:
    signal.signal(signal.SIGTERM, stop)
    options = read_options()
    ensure_wrk()
    try:
        if options.only == MIRROR:
            return mirror.measure(options.tasks, options.web_workers)
        say("Starting PostgreSQL, Tandem and the peer")
        with running(options.web_workers) as systems:
            results, delays = compare(systems, options)
    except StartError as error:
        print(f"The benchmark does not start: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print_report(results, delays, options)
    return 1 if any(None in rounds for rounds in results.values()) else 0


def stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def read_options() -> argparse.Namespace:
    """Each is an option and, for make, a variable of the same name in capitals."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)

    def add(name: str, default: object, meaning: str, kind: type = int) -> None:
        given = os.environ.get(name.upper()) or str(default)
        parser.add_argument(f"--{name.replace('_', '-')}", default=given, type=kind, help=f"{meaning} ({default})")

    add("seconds", 4, "length of a run")
    add("rounds", 3, "runs of each kind and system; a row shows their medians")
    add("tasks", 10_000, "tasks that each system holds; the reader owns 1000 of them")
    add("web_workers", len(os.sched_getaffinity(0)), "web processes of each system")
    add("clients", "1,16,64", "connections, each waiting for its answer", str)
    add("only", ",".join(MEASURED), "what to measure", str)
    options = parser.parse_args()
    if options.only != MIRROR and (unknown := set(options.only.split(",")) - set(MEASURED)):
        parser.error(f"--only knows {', '.join(MEASURED)}, or {MIRROR} alone, not {', '.join(unknown)}")
    return options


def compare(systems: Running, options: argparse.Namespace) -> tuple[Results, revocation.Delays]:
    say(f"Filling both with {len(PEOPLE)} people and {options.tasks} tasks")
    fill.fill_tandem(systems.tandem, systems.task_database, PEOPLE, options.tasks)
    fill.fill_peer(systems.peer_database, PEOPLE, options.tasks)
    wait_until_quiet(systems.everything)
    for name, pids in systems.processes.items():
        say(f"{name} at rest uses {cores_used(pids, 4):.1%} of a core")

    strangers = Strangers(systems.everything)
    clients = [int(number) for number in options.clients.split(",")]
    rounds = Rounds(systems, PEOPLE, clients)
    only = options.only.split(",")
    for operation in (word for word in only if word in OPERATIONS):
        rounds.measure(operation, rounds=options.rounds, seconds=options.seconds)
    delays = revocation.measure(systems.tandem, PEOPLE) if REVOCATION in only else {}
    say(f"Other processes took {strangers.cores():.2f} cores meanwhile")
    return rounds.results, delays


def print_report(results: Results, delays: revocation.Delays, options: argparse.Namespace) -> None:
    print(f"\n{options.web_workers} web processes each, {options.tasks} tasks, {machine()}")
    if results:
        print(f"Medians of {options.rounds} runs of {options.seconds} s (login: {(options.rounds + 1) // 2}).\n")
        print(table(results, (TANDEM.name, PEER.name)))
    if delays:
        print(f"\n{revocation.table(delays)}")
    words = [f"{name.upper()}={getattr(options, name)}" for name in vars(options)]
    print(f"\nTo repeat: make bench {' '.join(words)}")


if __name__ == "__main__":
    sys.exit(main())
