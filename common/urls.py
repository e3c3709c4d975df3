"""What every service answers inside: health and metrics for who runs it, events and snapshots for the peers."""

from django.urls import path

from common import health, metrics, snapshot_views
from common.views import ReceiveEvents

urlpatterns = [
    path("health/live/", health.live),
    path("health/ready/", health.ready),
    path("metrics", metrics.answer),
    path("internal/events/", ReceiveEvents.as_view()),
    path("internal/snapshots/<slug:name>/digests/", snapshot_views.Digests.as_view()),
    path("internal/snapshots/<slug:name>/rows/", snapshot_views.Rows.as_view()),
    path("internal/snapshots/<slug:name>/events/", snapshot_views.Events.as_view()),
]
