"""example_service: knows which tasks there are, from task_service's events."""

from common.settings import *  # noqa: F403
from common.settings import COMMON_APPS

SERVICE = "example_service"
ROOT_URLCONF = "example_service.urls"
INSTALLED_APPS = [*COMMON_APPS, "example_service.task_mirror"]
STATIC_URL = "/static/example/"
