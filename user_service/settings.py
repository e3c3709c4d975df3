"""user_service: owns identity; the only holder of the signing key."""

from datetime import timedelta
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from common.environment import ENVIRONMENT, env, url
from common.settings import *  # noqa: F403
from common.settings import (
    COMMON_APPS,
    LOGGING,
    MIDDLEWARE,
    PUBLIC_HOST,
    SILENCED_SYSTEM_CHECKS,
    SPECTACULAR_SETTINGS,
    UNFOLD,
)

SERVICE = "user_service"
ROOT_URLCONF = "user_service.urls"
INSTALLED_APPS = [
    *COMMON_APPS,
    "django.contrib.humanize",
    "axes",
    "user_service.users",
    "user_service.tokens",
    "user_service.api_tokens",
    "user_service.lockout",
    "user_service.second_factor",
    "user_service.mail",
    "user_service.erasure",
    "user_service.exports",
    "user_service.account",
    "user_service.task_mirror",
]
MIDDLEWARE = [*MIDDLEWARE, "axes.middleware.AxesMiddleware"]
AUTH_USER_MODEL = "users.User"
SILENCED_SYSTEM_CHECKS = [
    *SILENCED_SYSTEM_CHECKS,
    "auth.W004",
]  # usernames are unique, by an index that takes Bob for bob
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # first: who is locked out gets to no other
    "user_service.users.backends.UsernameOrEmailBackend",
    "user_service.second_factor.backends.SecondFactorBackend",
]
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
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)  # since the last failure
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # the moment that Retry-After names stays
AXES_USERNAME_CALLABLE = "user_service.lockout.policy.key"
AXES_CLIENT_IP_CALLABLE = "user_service.lockout.policy.client_network"
AXES_LOCKOUT_PARAMETERS = "user_service.lockout.policy.parameters"
AXES_LOCKOUT_CALLABLE = "user_service.lockout.policy.locked_out"
AXES_SENSITIVE_PARAMETERS = [  # of forms: kept in no table. A username may be a password in the wrong field
    *("username", "old_password", "new_password", "new_password1", "new_password2", "current_password"),
    *("code", "token", "csrfmiddlewaretoken"),
]
AXES_DISABLE_ACCESS_LOG = True  # sessions say who signed in
AXES_ENABLE_ADMIN = False  # lockout.admin is it
AXES_VERBOSE = False
LOGGING["loggers"]["axes"] = {"level": "WARNING"}
STATIC_URL = "/static/users/"
SESSION_COOKIE_NAME = "user_service_session"

SIGNING_KEYS_DIR = Path(env.str("SIGNING_KEYS_DIR"))
if not SIGNING_KEYS_DIR.is_absolute():
    raise ImproperlyConfigured("SIGNING_KEYS_DIR must be an absolute path")
JWKS_SOURCE = "user_service.tokens.keys.public_jwks"
ERASURE_DEADLINE = timedelta(seconds=env.int("ERASURE_DEADLINE_SECONDS", default=600))
if not timedelta(seconds=1) <= ERASURE_DEADLINE <= timedelta(days=30):
    raise ImproperlyConfigured("ERASURE_DEADLINE_SECONDS must be from 1 to 2592000")
REFRESH_COOKIE = "tandem_refresh"

EMAIL_URL: str = env.str("EMAIL_URL", default="") or ("consolemail://" if ENVIRONMENT == "local" else "")
if not EMAIL_URL.startswith(("consolemail://", "filemail:///")):
    url("EMAIL_URL", EMAIL_URL, "smtp", "smtp+tls", "smtp+ssl")
EMAIL = env.email_url_config(EMAIL_URL)
EMAIL_BACKEND: str = EMAIL["EMAIL_BACKEND"]
EMAIL_HOST, EMAIL_PORT = EMAIL["EMAIL_HOST"], EMAIL["EMAIL_PORT"] or 587
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = EMAIL["EMAIL_HOST_USER"] or "", EMAIL["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS, EMAIL_USE_SSL = EMAIL.get("EMAIL_USE_TLS", False), EMAIL.get("EMAIL_USE_SSL", False)
EMAIL_FILE_PATH = f"/{EMAIL['EMAIL_FILE_PATH']}"
EMAIL_TIMEOUT = 5
DEFAULT_FROM_EMAIL: str = env.str("EMAIL_FROM", default="") or f"Tandem <tandem@{PUBLIC_HOST}>"
PASSWORD_RESET_TIMEOUT = 3600

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
