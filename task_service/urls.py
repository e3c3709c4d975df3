"""What task_service answers."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from task_service.tasks.views import TaskViewSet

router = SimpleRouter(use_regex_path=False)
router.register("tasks", TaskViewSet, basename="task")


def elsewhere(request: HttpRequest) -> HttpResponse:
    raise AssertionError("the edge sends this path to user_service")


sign_in: Any = (
    [path("login/", elsewhere, name="login"), path("logout/", elsewhere, name="logout")],
    "rest_framework",  # the browsable API links to these names
)
urlpatterns = [
    path("api/v1/", include(router.urls)),
    path("admin/tasks/", admin.site.urls),
    path("api/schema/tasks/", SpectacularAPIView.as_view(), name="schema"),
    path("", include(sign_in)),
    path("", include("common.urls")),
]
handler400 = "common.problems.bad_request"
handler403 = "common.problems.permission_denied"
handler404 = "common.problems.not_found"
handler500 = "common.problems.server_error"
