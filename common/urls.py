"""What every service answers inside: health for the edge and the orchestrator, events from the peers."""

from django.urls import path

from common import health
from common.views import ReceiveEvents

urlpatterns = [
    path("health/live/", health.live),
    path("health/ready/", health.ready),
    path("internal/events/", ReceiveEvents.as_view()),
]
