"""Check, repair and rebuild a mirror while both services serve.

Nothing here is one transaction: each statement leaves what is right, so all of it may be cut off and done again. A row
that an event has made newer meanwhile stays.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction
from django.db.models import Model

from common import inbox
from common.drift import Difference, Drift, Progress, find_drift, settle
from common.events import Event
from common.mirrors import Mirror, Mirrored, Written, restore, upsert
from common.snapshots import EVENTS
from common.sources import Source, batches

EXAMPLES = 100


@dataclass(kw_only=True)
class Report:
    """Rows: how many were compared, what was found and what of it was repaired. The first differences are examples."""

    compared: int = 0
    missing: int = 0
    unknown: int = 0
    different: int = 0
    repaired: int = 0
    on_their_way: int = 0
    is_complete: bool = True
    examples: list[Difference] = field(default_factory=list)

    def add(self, drift: Drift) -> None:
        kinds = Counter(found.kind for found in drift.differences)
        self.compared += drift.compared
        self.missing += kinds["missing"]
        self.unknown += kinds["unknown"]
        self.different += kinds["different"]
        self.on_their_way += drift.on_their_way
        self.is_complete = drift.is_last
        self.examples += drift.differences[: EXAMPLES - len(self.examples)]


def check(mirror: Mirrored, progress: Progress) -> Report:
    """Compare, up to some ten thousand differences. Raises SourceUnavailable, as the others do."""
    report = Report()
    with closing(Source(mirror)) as source:
        report.add(next(find_drift(mirror, source, progress)))
    return report


def repair(mirror: Mirrored, progress: Progress) -> Report:
    """Write anew what differs, and bury what the source does not have."""
    report = Report()
    with closing(Source(mirror)) as source:
        for drift in find_drift(mirror, source, progress):
            mend(mirror, source, drift.differences)
            left = settle(mirror, source, [found.id for found in drift.differences])
            report.add(drift)
            report.repaired += len(drift.differences) - len(left.differences)
            report.on_their_way += left.on_their_way
    return report


def rebuild(mirror: Mirrored, progress: Progress) -> Report:
    """Write all that the source has, also into an empty mirror, then repair."""
    filled = Written(0, 0)
    with closing(Source(mirror)) as source:
        for events in source.all_events():
            written = restore(rows_of(events), mirror.fields)
            filled = Written(filled.inserted + written.inserted, filled.updated + written.updated)
            progress(len(events))
    report = repair(mirror, lambda count: None)
    report.missing += filled.inserted
    report.different += filled.updated
    report.repaired += sum(filled)
    return report


def mend(mirror: Mirrored, source: Source, differences: Sequence[Difference]) -> None:
    """First what is unknown, for it may hold a unique value of another row."""
    for found in differences:
        if found.here is not None and found.there is None:
            bury(mirror, found.id, found.here)
    for some in batches([found.id for found in differences if found.there is not None], EVENTS):
        here = dict(mirror.rows.model._base_manager.filter(pk__in=some).values_list("pk", "version"))  # tombstones, too
        events = source.events(some)
        with transaction.atomic():
            step_back(mirror, here, events)
            restore(rows_of(events), mirror.fields)


def bury(mirror: Mirrored, key: UUID, version: int) -> None:
    """As its tombstone would, if the row is still of that version."""
    if mirror.tombstone is None:
        mirror.rows.model._base_manager.filter(pk=key, version=version).delete()
    else:
        upsert(rows_of([mirror.tombstone(key, version + 1)]))


def step_back(mirror: Mirrored, here: Mapping[UUID, int], events: Iterable[Event]) -> None:
    """Let what is newer here than at its source be written all the same, also a tombstone of what is there.

    The source was asked later, so no event of it has told that version: it was restored from a backup, or the row here
    was spoilt, or buried while the source lacked it. One that has changed since is left alone.
    """
    for event in events:
        version = here.get(event.id, 0)
        if version > event.version:
            mirror.rows.model._base_manager.filter(pk=event.id, version=version).update(version=0)


def rows_of(events: Iterable[Event]) -> list[Model]:
    """By the handlers of the events themselves, so that what is told again and what is heard can't disagree."""
    handlers = {kind: handler for kind, handler in inbox.handlers().items() if isinstance(handler, Mirror)}
    rows = (handlers[type(event)].row_of(event) for event in events)
    return [row for row in rows if row is not None]
