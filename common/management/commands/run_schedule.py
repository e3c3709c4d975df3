"""Does what a service does by itself: the jobs of its schedule.py."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.module_loading import import_string

from common.leader import Leader
from common.process import is_away, keep_running, stop_on_signals

log = structlog.get_logger()
TICK_SECONDS = 0.5
LEADER_LOCK = 7_237_165


class Job(NamedTuple):
    """`do` is called at the start and then every so often; it may be called again right after it was cut off."""

    every: timedelta
    do: Callable[[], object]


class Command(BaseCommand):
    help = "Do the jobs of this service's schedule, until SIGTERM. A second one stands by and takes over."

    def handle(self, *args: Any, **options: Any) -> None:
        schedule = Schedule(import_string(f"{settings.SERVICE}.schedule.SCHEDULE"))
        keep_running(schedule.run, stop_on_signals())


class Schedule:
    def __init__(self, jobs: Sequence[Job]) -> None:
        self.next = dict.fromkeys(jobs, 0.0)
        self.leader = Leader(LEADER_LOCK)

    def run(self, stopping: threading.Event) -> None:
        """Do what is due, then rest for a moment. A job that fails is logged, and tried again at its next time."""
        if self.leader.lead():
            for job in [job for job, moment in self.next.items() if moment <= time.monotonic()]:
                self.do(job)
        stopping.wait(TICK_SECONDS)

    def do(self, job: Job) -> None:
        try:
            job.do()
        except Exception as error:
            if is_away(error):
                raise  # keep_running waits for the database, and the job is still due
            log.exception("job failed", job=job.do.__qualname__)
        self.next[job] = time.monotonic() + job.every.total_seconds()
