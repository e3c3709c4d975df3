"""Compares this service's mirrors with their sources, and makes them equal, while both serve."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from common.mirror_runs import COUNTS, LoggedProgress, carry_out
from common.mirrors import mirrors
from common.models import MirrorRun


class Command(BaseCommand):
    help = "Check mirrors, repair what differs, or rebuild them; ends with 1 where one is still not as its source."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=MirrorRun.Kind.values)
        parser.add_argument("name", nargs="?", choices=sorted(mirrors()), help="default: all of them")

    def handle(self, *args: Any, kind: str, name: str | None, **options: Any) -> None:
        runs = [self.run(kind, mirror) for mirror in ([name] if name else mirrors())]
        if any(run.drift or run.error for run in runs):
            raise CommandError("Not every mirror is as its source.")

    def run(self, kind: str, mirror: str) -> MirrorRun:
        run = MirrorRun(mirror=mirror, kind=kind)
        with tqdm(desc=f"{kind} {mirror}", unit=" rows", disable=None) as bar:  # None: where nobody looks on
            carry_out(run=run, progress=LoggedProgress(run) if bar.disable else bar.update)
        counts = ", ".join(f"{getattr(run, count)} {count}" for count in COUNTS)
        self.stdout.write(f"{mirror}: {counts}")
        for line in [*run.found.splitlines(), run.error]:
            if line:
                self.stdout.write(f"  {line}")
        return run
