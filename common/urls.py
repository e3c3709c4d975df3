"""What every service answers inside: health, metrics, events and snapshots for its peers, what failed for operators."""

from django.urls import path

from common import health, metrics, snapshot_views
from common.delivery_views import DeliveriesView, DeliveryActionView, OneDeliveryView
from common.views import ReceiveEvents

urlpatterns = [
    path("health/live/", health.live),
    path("health/ready/", health.ready),
    path("metrics", metrics.answer),
    path("internal/events/", ReceiveEvents.as_view()),
    path("internal/snapshots/<slug:name>/digests/", snapshot_views.Digests.as_view()),
    path("internal/snapshots/<slug:name>/rows/", snapshot_views.Rows.as_view()),
    path("internal/snapshots/<slug:name>/events/", snapshot_views.Events.as_view()),
    path("internal/deliveries/<str:direction>/", DeliveriesView.as_view()),
    path("internal/deliveries/<str:direction>/<int:key>/", OneDeliveryView.as_view()),
    path("internal/deliveries/<str:direction>/<str:action>/", DeliveryActionView.as_view()),
]
