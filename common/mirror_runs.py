"""Runs over mirrors: an operator or the schedule asks for one, the schedule carries it out, a command does so itself.

A run that was cut off is begun again; two at once are harmless (resync.py).
"""

import threading
from datetime import timedelta
from typing import Any

import structlog
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from common import resync
from common.drift import Progress
from common.mirrors import mirrors
from common.models import MirrorRun
from common.process import is_away
from common.purges import delete_some
from common.sources import SourceUnavailable

log = structlog.get_logger()
DO = {MirrorRun.Kind.CHECK: resync.check, MirrorRun.Kind.REPAIR: resync.repair, MirrorRun.Kind.REBUILD: resync.rebuild}
EVERY = timedelta(days=1)
KEPT = timedelta(days=90)
COUNTS = ("compared", "missing", "unknown", "different", "repaired")
LOGGED_EVERY = 100_000  # rows
THREAD = "mirror runs"


def request_run(*, mirror: str, kind: str, by: Any = None) -> MirrorRun:
    """Leave it to the schedule, which looks once a second."""
    return MirrorRun.objects.create(mirror=mirror, kind=kind, requested_by_id=by and by.pk)


def request_due() -> None:
    """Have each mirror checked that was not for a day."""
    lately = MirrorRun.objects.filter(requested_at__gt=Now() - EVERY).values_list("mirror", flat=True)
    for mirror in sorted(mirrors().keys() - set(lately)):
        request_run(mirror=mirror, kind=MirrorRun.Kind.CHECK)
    delete_some(MirrorRun.objects.filter(finished_at__lt=Now() - KEPT))


def begin_requested() -> None:
    """Carry out what is asked for in a thread: it may take minutes, and other jobs of the schedule can't wait."""
    busy = any(thread.name == THREAD for thread in threading.enumerate())
    if not busy and MirrorRun.objects.filter(finished_at=None).exists():
        threading.Thread(target=_carry_out_requested, name=THREAD, daemon=True).start()


def _carry_out_requested() -> None:
    try:
        carry_out_requested()
    except Exception:  # the next look begins again
        log.exception("mirror runs stopped")
    finally:
        connection.close()


def carry_out_requested() -> None:
    """One after the other."""
    for run in MirrorRun.objects.filter(finished_at=None).order_by("id"):
        carry_out(run=run, progress=LoggedProgress(run))


def carry_out(*, run: MirrorRun, progress: Progress) -> MirrorRun:
    """Do it and keep what came of it, also that it failed. Raises the database's error when that is away."""
    run.started_at = timezone.now()
    if not run._state.adding:
        run.save()
    try:
        note(run, DO[MirrorRun.Kind(run.kind)](mirrors()[run.mirror], progress))
    except SourceUnavailable as error:
        run.error = str(error)
    except Exception as error:
        if is_away(error):
            raise
        log.exception("mirror run failed", mirror=run.mirror, kind=run.kind)
        run.error = f"{type(error).__name__}: {error}"
    run.finished_at = timezone.now()
    run.save()
    return run


def note(run: MirrorRun, report: resync.Report) -> None:
    for count in COUNTS:
        setattr(run, count, getattr(report, count))
    lines = [str(difference) for difference in report.examples]
    if not report.is_complete:
        lines.append("There may be more: the rest was not compared.")
    if report.on_their_way:
        lines.append(f"Besides, {report.on_their_way} were still on their way.")
    run.found = "\n".join(lines)


class LoggedProgress:
    def __init__(self, run: MirrorRun) -> None:
        self.run, self.rows = run, 0

    def __call__(self, count: int) -> None:
        before, self.rows = self.rows, self.rows + count
        if before // LOGGED_EVERY < self.rows // LOGGED_EVERY:
            log.info("mirror run", mirror=self.run.mirror, kind=self.run.kind, rows=self.rows)
