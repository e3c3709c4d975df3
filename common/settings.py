"""Settings that every service shares, all from the environment.

A service's settings.py imports everything from here and adds what is its own. A variable that is missing or bad stops
the start; no secret has a default.
"""

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from common import appearance, logs
from common.environment import ENVIRONMENT, env, peers, secret, switch, url

ROOT = Path(__file__).resolve().parent.parent

SECRET_KEY = secret("SECRET_KEY")
SERVICE_CREDENTIAL = secret("SERVICE_CREDENTIAL")

LOCAL_ORIGIN = {"default": "http://localhost:8080"} if ENVIRONMENT == "local" else {}
PUBLIC_URL: str = env.str("PUBLIC_URL", **LOCAL_ORIGIN).rstrip("/")
PUBLIC_HOST = url("PUBLIC_URL", PUBLIC_URL, "http", "https").hostname
if f"{urlsplit(PUBLIC_URL).scheme}://{urlsplit(PUBLIC_URL).netloc}" != PUBLIC_URL:
    raise ImproperlyConfigured(f"PUBLIC_URL must be an origin such as https://example.org, not {PUBLIC_URL!r}")
HTTPS = PUBLIC_URL.startswith("https://")
if ENVIRONMENT == "production" and not HTTPS and PUBLIC_HOST not in ("localhost", "127.0.0.1"):
    raise ImproperlyConfigured("PUBLIC_URL must start with https:// in production: the sign-in's cookies are secrets")
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[PUBLIC_HOST, "localhost", "127.0.0.1"])
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SILENCED_SYSTEM_CHECKS = ["security.W008"]  # HTTPS is the edge's work: a service is reached from inside only
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
USE_X_FORWARDED_HOST = False  # the edge forwards Host itself

if not url("DATABASE_URL", env.str("DATABASE_URL"), "postgres", "postgresql").path.strip("/"):
    raise ImproperlyConfigured("DATABASE_URL must name a database")
DATABASES = {
    "default": {
        **env.db_url("DATABASE_URL"),
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": None,
        "DISABLE_SERVER_SIDE_CURSORS": False,
        "OPTIONS": {
            **env.db_url("DATABASE_URL").get("OPTIONS", {}),
            "server_side_binding": True,  # with it and the threshold PostgreSQL keeps the plans of frequent statements
            "prepare_threshold": 5,
            "connect_timeout": 3,
            "options": "-c statement_timeout=10s -c lock_timeout=5s -c idle_in_transaction_session_timeout=30s"
            # A relay whose host is gone must not hold its locks for PostgreSQL's two hours. While an answer to it is on
            # its way there are no keepalives.
            " -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 -c tcp_user_timeout=25s",
            "tcp_user_timeout": 10_000,
            "keepalives_idle": 10,  # nor may we wait for ever for the answer of a database that is gone
            "keepalives_interval": 5,
            "keepalives_count": 3,
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

BROKER_URL: str = env.str("BROKER_URL", default="")
PEERS = peers("PEERS")
for node in BROKER_URL.split(",") if BROKER_URL else []:
    url("BROKER_URL", node, "amqp", "amqps")
if not BROKER_URL and not PEERS:
    raise ImproperlyConfigured("Set BROKER_URL, or PEERS where there is no broker")
OUTBOX_RETENTION = timedelta(days=1)
INBOX_RETENTION = timedelta(days=30)

COMMON_APPS = [
    "common.apps.CommonConfig",
    "unfold.apps.BasicAppConfig",
    "common.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",  # the admin insists on it; nothing is stored in a session
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "common.middleware.RequestContextMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "common.cookies.CookieAuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
CSRF_FAILURE_VIEW = "common.problems.csrf_failure"
LOGIN_URL = "/login/"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_ROOT: str = env.str("STATIC_ROOT", default=str(ROOT / ".local" / "static"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

NAVIGATION = appearance.NAVIGATION
UNFOLD = appearance.UNFOLD
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "common.authentication.BearerAuthentication",
        "common.cookies.CookieAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated", "common.scopes.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["common.rendering.JSONRenderer", "common.rendering.BrowsableAPIRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "common.parsers.JSONParser",
        "rest_framework.parsers.FormParser",  # the browsable API's forms
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_SCHEMA_CLASS": "common.openapi.AutoSchema",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "EXCEPTION_HANDLER": "common.problems.exception_handler",
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%S.%fZ",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SIMPLE_JWT: dict[str, Any] = {
    "ALGORITHM": "ES256",
    "ISSUER": "tandem.user_service",
    "AUDIENCE": "tandem",
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=9, seconds=30),  # and the leeway: good for ten minutes at most
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
    "LEEWAY": 30,
    "USER_ID_CLAIM": "sub",
}
ACCESS_COOKIE = "tandem_access"
OPERATORS_NEED_SECOND_FACTOR = switch("OPERATORS_NEED_SECOND_FACTOR")
JWKS_URL: str = env.str("JWKS_URL", default="")
JWKS_SOURCE = "common.keys.fetch_jwks"

LOG_LEVEL: str = env.str("LOG_LEVEL", default="INFO")
if LOG_LEVEL not in logging.getLevelNamesMapping():
    raise ImproperlyConfigured(f"LOG_LEVEL must be a level such as INFO, not {LOG_LEVEL!r}")
LOGGING = logs.configuration(level=LOG_LEVEL)
logs.configure_structlog()

SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.0",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "common.openapi.add_problems",
        "common.openapi.add_idempotency",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "/favicon.svg",
}
