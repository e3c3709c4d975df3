"""Where a mirror is not what its source is, though nothing about it is on its way any more.

Ranges are compared first, and rows only in ranges that differ. Rows that differ are looked at again and again: the
newest event that the source had told by the first look has to arrive here, then the row has to stay as it is.
"""

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID

from common.digests import ROWS
from common.mirrors import Mirrored
from common.models import InboxEvent
from common.sources import Source, batches

LIMIT = 10_000  # differences that are followed at a time
BATCH = 1000  # ids of a statement
LOOK_SECONDS = 1
LOOKS = 30
STEADY_LOOKS = 3  # once what was on its way has arrived: with several consumers it may have overtaken by a moment

Progress = Callable[[int], object]


class Difference(NamedTuple):
    """Versions; None where there is no such row."""

    id: UUID
    here: int | None
    there: int | None

    @property
    def kind(self) -> str:
        if self.here is None:
            return "missing"
        return "unknown" if self.there is None else "different"

    def __str__(self) -> str:
        here, there = ("no row" if version is None else f"version {version}" for version in self[1:])
        return f"{self.kind} {self.id}: {here} here, {there} at the source"


@dataclass(frozen=True, kw_only=True)
class Drift:
    differences: tuple[Difference, ...] = ()
    on_their_way: int = 0  # rows that differed to the last, but go on changing, or an event about them has not left yet
    compared: int = 0  # rows of the source
    is_last: bool = True  # else there is more to compare


def find_drift(mirror: Mirrored, source: Source, progress: Progress) -> Iterator[Drift]:
    """Compare all rows, and stop to say what differs each time that it is LIMIT rows or more, and at the end.

    `progress` is told how many more were compared.
    """
    suspects: set[UUID] = set()
    compared = 0
    for window in windows(mirror, source):
        compared += window.compared
        suspects |= window.differing
        progress(window.compared)
        if window.is_last or len(suspects) >= LIMIT:
            settled = settle(mirror, source, suspects)
            yield replace(settled, compared=compared, is_last=window.is_last)
            suspects, compared = set(), 0


class Window(NamedTuple):
    compared: int
    differing: set[UUID]  # at this moment
    is_last: bool


def windows(mirror: Mirrored, source: Source) -> Iterator[Window]:
    """Yield the source's pages; one with far more rows here than there is left where so many were looked at."""
    start, more = None, True
    while more:
        page = source.page(start)
        starts = [start, *(found.first for found in page.ranges[1:])]
        ends = [*starts[1:], page.next]
        theirs = [(found.rows, found.digest) for found in page.ranges] or [(0, 0)]
        ours = mirror.comparable.against(page, start)
        start, compared, differing = page.next, 0, set[UUID]()
        for here, there, low, high in zip(ours, theirs, starts, ends, strict=True):
            if here != there:
                found, rest = differing_ids(mirror, source, low, high)
                differing |= found
                if rest is not None:
                    start = rest
                    break
            compared += there[0]
        more = start is not None
        yield Window(compared, differing, not more)


def differing_ids(
    mirror: Mirrored, source: Source, start: UUID | None, end: UUID | None
) -> tuple[set[UUID], UUID | None]:
    """Return which differ, and where those begin that were not looked at: None, unless there are too many here."""
    theirs = set(source.rows(start, end))
    ours = mirror.comparable.within(start, end, 2 * ROWS)
    rest = ours[-1].id if len(ours) == 2 * ROWS else None
    differing = {row.id for row in theirs.symmetric_difference(ours)}
    return {key for key in differing if rest is None or key < rest}, rest


@dataclass
class Watched:
    """A difference under observation."""

    awaited: UUID | None  # the event that has to arrive first
    looks: int = 0
    steady: int = 0


def settle(mirror: Mirrored, source: Source, ids: Collection[UUID]) -> Drift:
    """Look at the rows until each is the same, or different for good."""
    watched: dict[Difference, Watched] = {}
    settled: list[Difference] = []
    owed: set[UUID] = set()
    for look in range(LOOKS if ids else 0):
        if look:
            time.sleep(LOOK_SECONDS)
        differences, owed, last_told = look_at(mirror, source, ids)
        watched = {found: watched.get(found, Watched(last_told)) for found in differences}
        awaited = {each.awaited for each in watched.values() if each.awaited}
        missed = awaited.difference(InboxEvent.objects.filter(pk__in=awaited).values_list("pk", flat=True))
        for found, each in watched.items():
            each.looks += 1
            each.steady += found.id not in owed and each.awaited not in missed
        settled += [found for found, each in watched.items() if each.steady == STEADY_LOOKS]
        watched = {found: each for found, each in watched.items() if each.steady < STEADY_LOOKS}
        ids = [found.id for found in watched]
        if not ids:
            break
    lost = [found for found, each in watched.items() if each.looks > LOOKS / 2 and found.id not in owed]
    return Drift(differences=(*settled, *lost), on_their_way=len(watched) - len(lost))


def look_at(mirror: Mirrored, source: Source, ids: Collection[UUID]) -> tuple[list[Difference], set[UUID], UUID | None]:
    """Return what differs, who has an event that has not left, and the newest event that had been told.

    The source is asked last: its rows are at least as new as what any event of it had brought here.
    """
    ours = {row.id: row for some in batches(ids, BATCH) for row in mirror.comparable.among(some)}
    seen = source.look(ids)
    theirs = {row.id: row for row in seen.rows}
    differences = [
        Difference(key, here and here.version, there and there.version)
        for key in sorted(ids)
        if (here := ours.get(key)) != (there := theirs.get(key))
    ]
    return differences, seen.owed, seen.last_told
