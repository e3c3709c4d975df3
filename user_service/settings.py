"""user_service: owns identity; the only holder of the signing key."""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from common.environment import env
from common.settings import *  # noqa: F403
from common.settings import COMMON_APPS, SILENCED_SYSTEM_CHECKS, SPECTACULAR_SETTINGS, UNFOLD

SERVICE = "user_service"
ROOT_URLCONF = "user_service.urls"
INSTALLED_APPS = [*COMMON_APPS, "user_service.users", "user_service.tokens", "user_service.task_mirror"]
AUTH_USER_MODEL = "users.User"
SILENCED_SYSTEM_CHECKS = [
    *SILENCED_SYSTEM_CHECKS,
    "auth.W004",
]  # usernames are unique, by an index that takes Bob for bob
AUTHENTICATION_BACKENDS = ["user_service.users.backends.UsernameOrEmailBackend"]
PASSWORD_HASHERS = ["user_service.users.hashers.Argon2Hasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
STATIC_URL = "/static/users/"
SESSION_COOKIE_NAME = "user_service_session"

SIGNING_KEYS_DIR = Path(env.str("SIGNING_KEYS_DIR"))
if not SIGNING_KEYS_DIR.is_absolute():
    raise ImproperlyConfigured("SIGNING_KEYS_DIR must be an absolute path")
JWKS_SOURCE = "user_service.tokens.keys.public_jwks"
REFRESH_COOKIE = "tandem_refresh"

SPECTACULAR_SETTINGS = SPECTACULAR_SETTINGS | {
    "TITLE": "Tandem user_service",
    "DESCRIPTION": "Identity: registration, sign-in, the people directory.",
    "SWAGGER_UI_SETTINGS": """{
        urls: [{url: "/api/schema/tasks/", name: "Tasks"}, {url: "/api/schema/users/", name: "Users"}],
        layout: "StandaloneLayout",
        presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
        persistAuthorization: true,
    }""",
}
UNFOLD = UNFOLD | {"SITE_TITLE": "Tandem people", "SITE_SUBHEADER": "Admin of people"}
