"""What example_service answers: its health."""

from django.urls import include, path

urlpatterns = [path("", include("common.urls"))]
