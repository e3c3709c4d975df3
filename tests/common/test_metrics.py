from datetime import timedelta

import pytest
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from common import failures, outbox
from common.models import FailedEvent, MirrorRun, OutboxEvent
from tests.common.operating import fail, keep
from tests.common.publishing import publish
from tests.envelopes import user_event


@pytest.fixture
def scrape(client, db):
    def read():
        answer = client.get("/metrics")
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        families = text_string_to_metric_families(answer.content.decode())
        samples = [sample for family in families for sample in family.samples]
        return {(sample.name, *sample.labels.values()): sample.value for sample in samples}

    return read


def finished(mirror, *, ago=timedelta(0), **fields):
    return MirrorRun.objects.create(mirror=mirror, finished_at=timezone.now() - ago, **fields)


def test_where_nothing_is_owed_nothing_is_told_of(scrape):
    assert scrape() == {
        ("tandem_outbox_events", "pending"): 0,
        ("tandem_outbox_events", "parked"): 0,
        ("tandem_outbox_oldest_pending_seconds",): 0,
        ("tandem_failed_events", "retrying"): 0,
        ("tandem_failed_events", "dead"): 0,
    }


def test_what_has_no_effect_here(scrape, heard):
    fail("poison1", "poison2")
    failures.redrive(FailedEvent.objects.first())
    keep(b"no event")
    found = scrape()
    assert (found["tandem_failed_events", "retrying"], found["tandem_failed_events", "dead"]) == (1, 2)


def test_what_is_owed_and_for_how_long(scrape):
    sent, parked, deferred, old = publish(*(user_event() for _ in range(4)))
    outbox.mark_sent([sent.id])
    for _ in range(outbox.MAX_ATTEMPTS):
        outbox.mark_failed(parked.id, "bad")
    outbox.mark_deferred([deferred.id], "no queue")
    OutboxEvent.objects.filter(id=old.id).update(created_at=timezone.now() - timedelta(hours=1))
    found = scrape()
    assert found["tandem_outbox_events", "pending"] == 2
    assert found["tandem_outbox_events", "parked"] == 1
    assert found["tandem_outbox_oldest_pending_seconds",] == pytest.approx(3600, abs=60)


def test_each_mirror_s_last_comparison(scrape):
    finished("people", missing=7, ago=timedelta(days=1))
    last = finished("people", missing=3, unknown=2, different=4, repaired=6, ago=timedelta(minutes=1))
    finished("people", error="the source was away")
    MirrorRun.objects.create(mirror="people", missing=9)
    finished("tokens")
    found = scrape()
    assert found["tandem_mirror_drift_rows", "people"] == 3
    assert found["tandem_mirror_drift_rows", "tokens"] == 0
    assert found["tandem_mirror_checked_timestamp_seconds", "people"] == pytest.approx(last.finished_at.timestamp())
