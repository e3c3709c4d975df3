"""Carries events from the outbox to the others: the other half of law 1."""

import threading
import time
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import structlog
from django.core.management.base import BaseCommand

from common import api_tokens, failures, idempotency, inbox, outbox, revocations
from common.process import keep_running, stop_on_signals
from common.shards import Shards
from common.transport import Message, Outcome, Publisher, publisher

log = structlog.get_logger()
BATCH = 1000
POLL_SECONDS = 0.02
STANDBY_SECONDS = 1
PURGE_SECONDS = 60
PURGE_ROWS = 10_000
PURGER = 0  # whose shard this is
SHARD_LOCKS = 7_237_163  # any number: advisory locks are per database


class Command(BaseCommand):
    help = "Publish what the outbox owes, until SIGTERM. Any number may run: they share the work."

    def handle(self, *args: Any, **options: Any) -> None:
        relay = Relay(publisher())
        keep_running(relay.run, stop_on_signals())
        relay.publisher.close()


class Relay:
    def __init__(self, publisher: Publisher) -> None:
        self.publisher = publisher
        self.purged_at = 0.0
        # What is known of a queue's size is always from another moment, mostly from when it was empty: a plan made then
        # reads the whole table, fifty times a second.
        self.shards = Shards(SHARD_LOCKS, outbox.SHARDS, session_settings="SET enable_seqscan = off")

    def run(self, stopping: threading.Event) -> None:
        shards = self.shards.held()
        if not shards:
            stopping.wait(STANDBY_SECONDS)
            return
        if self.relay_batch(shards) < BATCH:
            self.publisher.wait(POLL_SECONDS)
        if PURGER in shards and time.monotonic() - self.purged_at > PURGE_SECONDS:
            self.purge()

    def purge(self) -> None:
        """Delete a bounded number of old rows; while there are more, the next turn goes on, after its batch."""
        purges = {"outbox": outbox.purge, "inbox": inbox.purge, "failures": failures.purge}
        purges |= {"revocations": revocations.purge, "api_tokens": api_tokens.purge}
        purges |= {"idempotency_keys": idempotency.purge}
        gone = {name: purge(PURGE_ROWS) for name, purge in purges.items()}
        if max(gone.values()) < PURGE_ROWS:
            self.purged_at = time.monotonic()
        log.info("purged", **gone)

    def relay_batch(self, shards: Iterable[int] = outbox.EVERY_SHARD) -> int:
        """Publish what is due of these shards; return how many rows were looked at.

        No transaction is open while the broker is talked to: what dies between confirm and mark is sent again, and
        has its effect once, by the inbox.
        """
        rows = outbox.due(BATCH, shards)
        held_back: set[UUID] = set()
        for wave in outbox.waves(rows):
            going = [row for row in wave if row.aggregate_id not in held_back]
            if going:
                held_back |= self.relay_wave(going)
        return len(rows)

    def relay_wave(self, rows: list[outbox.Due]) -> set[UUID]:
        """Publish and mark; return the aggregates whose event did not go."""
        messages = {row.id: Message(id=str(row.event_id), type=row.type, body=row.envelope.encode()) for row in rows}
        outcomes = self.publisher.publish(list(messages.values()))
        by_row = {row_id: outcomes[message.id] for row_id, message in messages.items()}
        outbox.mark_sent([row_id for row_id, outcome in by_row.items() if not outcome.error])
        mark_unsent({row_id: outcome for row_id, outcome in by_row.items() if outcome.error})
        return {row.aggregate_id for row in rows if by_row[row.id].error}


def mark_unsent(outcomes: dict[int, Outcome]) -> None:
    deferred: dict[str, list[int]] = {}
    for row_id, outcome in outcomes.items():
        if outcome.counts:
            log.warning("event refused", row=row_id, error=outcome.error)
            outbox.mark_failed(row_id, outcome.error)
        else:
            deferred.setdefault(outcome.error, []).append(row_id)
    for error, row_ids in deferred.items():
        log.warning("events wait", error=error, count=len(row_ids), first_row=row_ids[0])
        outbox.mark_deferred(row_ids, error)
