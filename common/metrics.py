"""What a scraper is told at /metrics, read from the database: every web process says the same."""

from collections.abc import Iterator

from django.db import connection
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from common.models import FailedEvent, MirrorRun

# Two halves, for each has its index: the table itself is long.
OUTBOX = """
SELECT state, count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)::float FROM (
  SELECT state, created_at FROM common_outboxevent WHERE state = 'pending' AND next_attempt_at IS NULL
  UNION ALL
  SELECT state, created_at FROM common_outboxevent WHERE state <> 'sent' AND next_attempt_at IS NOT NULL
) AS unsent GROUP BY state
"""


class Deliveries(Collector):
    def collect(self) -> Iterator[Metric]:
        with connection.cursor() as cursor:
            cursor.execute(OUTBOX)
            found = {state: (count, age) for state, count, age in cursor.fetchall()}
        events = GaugeMetricFamily("tandem_outbox_events", "Events that have not left.", labels=["state"])
        for state in ("pending", "parked"):
            events.add_metric([state], found.get(state, (0, 0.0))[0])
        yield events
        yield GaugeMetricFamily(
            "tandem_outbox_oldest_pending_seconds",
            "How long the oldest pending event has waited.",
            found.get("pending", (0, 0.0))[1],
        )


class Failures(Collector):
    def collect(self) -> Iterator[Metric]:
        events = GaugeMetricFamily("tandem_failed_events", "Events without their effect here.", labels=["state"])
        for state in (FailedEvent.State.RETRYING, FailedEvent.State.DEAD):
            events.add_metric([state], FailedEvent.objects.filter(state=state).count())
        yield events


class Mirrors(Collector):
    """By the last run of each mirror that came to a result."""

    def collect(self) -> Iterator[Metric]:
        drift = GaugeMetricFamily("tandem_mirror_drift_rows", "Rows not as at the source.", labels=["mirror"])
        checked = GaugeMetricFamily(
            "tandem_mirror_checked_timestamp_seconds",
            "When the mirror was compared with its source.",
            labels=["mirror"],
        )
        compared = MirrorRun.objects.filter(finished_at__isnull=False, error="")
        for run in compared.order_by("mirror", "-finished_at").distinct("mirror"):
            drift.add_metric([run.mirror], run.drift)
            checked.add_metric([run.mirror], run.finished_at.timestamp())  # type: ignore[union-attr]  # as filtered
        yield from (drift, checked)


def answer(request: HttpRequest) -> HttpResponse:
    registry = CollectorRegistry()
    for collector in (Deliveries(), Failures(), Mirrors()):
        registry.register(collector)
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
