"""task_service: owns tasks; people are known here from user_service's events."""

from common.environment import env, url
from common.settings import *  # noqa: F403
from common.settings import COMMON_APPS, SILENCED_SYSTEM_CHECKS, SPECTACULAR_SETTINGS, UNFOLD

SERVICE = "task_service"
ROOT_URLCONF = "task_service.urls"
INSTALLED_APPS = [
    *COMMON_APPS,
    "task_service.tasks",
    "task_service.user_mirror",
    "task_service.erasure",
    "task_service.exports",
]
AUTH_USER_MODEL = "user_mirror.User"
STATIC_URL = "/static/tasks/"
SESSION_COOKIE_NAME = "task_service_session"

JWKS_URL = env.str("JWKS_URL")
url("JWKS_URL", JWKS_URL, "http", "https")

SPECTACULAR_SETTINGS = SPECTACULAR_SETTINGS | {
    "TITLE": "Tandem task_service",
    "DESCRIPTION": "Tasks.",
}
UNFOLD = UNFOLD | {"SITE_TITLE": "Tandem tasks", "SITE_SUBHEADER": "Admin of tasks"}
SILENCED_SYSTEM_CHECKS = [
    *SILENCED_SYSTEM_CHECKS,
    "auth.E003",
]  # usernames are unique at their source; here two may be told in the wrong order
