"""The one settings file. It computes; it never starts anything."""

from __future__ import annotations

import sys
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from config import embedded
from config.env import BadSetting, env_bool, env_int, env_list, env_networks, env_rate, env_secret, env_str
from config.paths import BASE_DIR, data_dir
from config.patience import patient
from config.shop_files import add_headers

DATA_DIR = data_dir()
DEBUG = env_bool("DEBUG", False)
SECRET_KEY = env_secret("SECRET_KEY", DATA_DIR / "secret_key")
SECRET_KEY_FALLBACKS = env_list("SECRET_KEY_FALLBACKS")
ENCRYPTION_KEYS = env_list("ENCRYPTION_KEYS") or [SECRET_KEY, *SECRET_KEY_FALLBACKS]

PUBLIC_URL = env_str("PUBLIC_URL").rstrip("/")
PUBLIC_HTTPS = PUBLIC_URL.startswith("https://")
TRUSTED_PROXIES = env_list("TRUSTED_PROXIES")
ALLOWED_HOSTS = [PUBLIC_URL.split("://", 1)[-1].split("/")[0].rsplit(":", 1)[0]] if PUBLIC_URL else ["*"]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL else []

INSTALLED_APPS = [
    "config.operations.admin_config.OperatorsAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "django_filters",
    "import_export",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_prometheus",
    "procrastinate.contrib.django",
    "config.project",
    "config.jobs",
    "config.webhooks",
    "config.imports",
    "config.exports",
    "config.api",
    "config.dashboard",
    "config.operations",
    "customers",
    "tracking",
    "segments",
    "vouchers",
]

MIDDLEWARE = [
    "config.api.request_id.RequestIdMiddleware",
    "config.operations.access_log.AccessLogMiddleware",
    "config.api.cors.CorsMiddleware",
    "config.api.limits.RateHeadersMiddleware",
    "config.api.bodies.BodyMiddleware",
    "config.api.errors.DatabaseErrorMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "config.api.security.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.dashboard.only_pages.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "config.dashboard.only_pages.AuthenticationMiddleware",
    "config.dashboard.sessions.SessionClockMiddleware",
    "config.dashboard.only_pages.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
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

DATABASE_URL = env_str("DATABASE_URL") or embedded.database_url(DATA_DIR)
DATABASE_DIRECT_URL = env_str("DATABASE_DIRECT_URL") or DATABASE_URL
DATABASE_POOLER = env_bool("DATABASE_POOLER", False)
DATABASE_POOL_SIZE = env_int("DATABASE_POOL_SIZE", 16, least=1)
PROCESS = env_str("TESSERA_PROCESS") or ("worker" if sys.argv[1:2] == ["worker"] else "command")
"""What this process is: `web` (set by wsgi.py), `worker`, or a `command`, which waits as long as it must."""
LIMITS_MS = {"web": (10_000, 2_000, 15_000), "worker": (900_000, 5_000, 60_000), "command": (0, 0, 0)}
"""Per kind of process: a statement, waiting for a lock, idle in a transaction; 0 is no limit."""
if PROCESS not in LIMITS_MS:
    raise BadSetting("TESSERA_PROCESS", PROCESS, "web, worker or command")
STATEMENT_TIMEOUT_MS = env_int("STATEMENT_TIMEOUT_MS", LIMITS_MS[PROCESS][0])
LOCK_TIMEOUT_MS = env_int("LOCK_TIMEOUT_MS", LIMITS_MS[PROCESS][1])
IDLE_IN_TRANSACTION_TIMEOUT_MS = env_int("IDLE_IN_TRANSACTION_TIMEOUT_MS", LIMITS_MS[PROCESS][2])


def database(url: str, *, pooled: bool) -> dict[str, Any]:
    """Django's settings for a PostgreSQL URL: a pool that survives restarts of the server, and limits per session.

    pooled: a transaction pooler stands between; limits then belong to the role.
    """
    parts = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    options: dict[str, Any] = {
        "connect_timeout": 3,
        "keepalives_idle": 10,
        "keepalives_interval": 3,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
        "pool": {
            "connection_class": patient(STATEMENT_TIMEOUT_MS),
            "min_size": 2,
            "max_size": max(2, DATABASE_POOL_SIZE),
            "timeout": 2,
            "reconnect_timeout": 2,
            "max_lifetime": 1800,
        },
    }
    if not pooled:
        options["options"] = (
            f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={LOCK_TIMEOUT_MS}"
            f" -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_TIMEOUT_MS}"
        )
    named = {"dbname", "user", "password", "host", "port"}
    return {
        "ENGINE": "config.project.postgres",
        "NAME": parts.get("dbname", "tessera"),
        "USER": parts.get("user", ""),
        "PASSWORD": parts.get("password", ""),
        "HOST": parts.get("host", ""),
        "PORT": parts.get("port", ""),
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": pooled,
        "OPTIONS": options | {key: value for key, value in parts.items() if key not in named},
    }


DIRECT = PROCESS == "worker" or not DATABASE_POOLER  # a worker listens, which no transaction pooler lets it
DATABASES = {"default": database(DATABASE_DIRECT_URL if DIRECT else DATABASE_URL, pooled=not DIRECT)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "project.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "dashboard:login"
LOGIN_REDIRECT_URL = "dashboard:home"
LOGOUT_REDIRECT_URL = "dashboard:login"
SESSION_COOKIE_NAME = "__Host-sessionid" if PUBLIC_HTTPS else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if PUBLIC_HTTPS else "csrftoken"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 7 * 24 * 3600
SECURE_HSTS_SECONDS = 31_536_000 if PUBLIC_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PUBLIC_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "en-us"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / ".static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.static.Storage"},
}

WHITENOISE_ADD_HEADERS_FUNCTION = add_headers

BODY_LIMIT = env_int("BODY_LIMIT", 10_485_760, least=1024)
UPLOAD_LIMIT = env_int("UPLOAD_LIMIT", 1_073_741_824, least=1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = BODY_LIMIT
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
DATA_UPLOAD_MAX_NUMBER_FILES = 5
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
UPLOAD_DIR = DATA_DIR / "uploads"

CLIENT_RATE = env_rate("CLIENT_RATE", "5/5s")
API_RATE = env_rate("API_RATE", "off")
CLIENT_MISS_RATE = env_rate("CLIENT_MISS_RATE", "20/10m") if CLIENT_RATE else None
CLIENT_SESSION_RATE = env_rate("CLIENT_SESSION_RATE", "10/1h") if CLIENT_RATE else None
CLIENT_SESSION_MAX_TTL = env_int("CLIENT_SESSION_MAX_TTL", 0)
GATHER_EVENTS = env_bool("GATHER_EVENTS", PROCESS == "web")
TRACKING_COOKIE_NAME = env_str("TRACKING_COOKIE_NAME", "tracking_id")

# Webhooks go out over https to public addresses only; an intranet's networks are listed on purpose.
WEBHOOK_ALLOW_HTTP = env_bool("WEBHOOK_ALLOW_HTTP", False)
WEBHOOK_ALLOWED_NETWORKS = env_networks("WEBHOOK_ALLOWED_NETWORKS")


REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["config.api.authentication.ServerKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["config.api.authentication.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["config.api.rendering.WireJsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["config.api.parsing.WireJsonParser"],
    "DEFAULT_PAGINATION_CLASS": "config.api.lists.PagePagination",
    "DEFAULT_THROTTLE_CLASSES": ["config.api.limits.ApiRate"],
    "DEFAULT_FILTER_BACKENDS": ["config.api.filtering.WireFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "config.api.schema.WireAutoSchema",
    "EXCEPTION_HANDLER": "config.api.errors.handle",
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "config.api.rendering.AlwaysJson",
    "DATETIME_FORMAT": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tessera",
    "DESCRIPTION": "Vouchers, customers, segments and tracking over the public Voucherify HTTP API (v2018-08-01).",
    "VERSION": "v2018-08-01",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": r"/(client/|management/)?v1",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "PREPROCESSING_HOOKS": ["config.api.schema.without_trailing_slash"],
    "POSTPROCESSING_HOOKS": [],  # choices stay where they are used; naming them apart finds no good names
}

FILTER_MAX_DEPTH = env_int("FILTER_MAX_DEPTH", 5, least=1)
FILTER_MAX_CONDITIONS = env_int("FILTER_MAX_CONDITIONS", 200, least=1)
FILTER_MAX_VALUES = env_int("FILTER_MAX_VALUES", 5_000, least=1)
FILTER_MAX_BYTES = env_int("FILTER_MAX_BYTES", 256 * 1024, least=1024)

PROMETHEUS_LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
METRICS_NETWORKS = env_list("METRICS_NETWORKS", ["127.0.0.0/8", "::1/128"])

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "config.logs.JsonFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": env_str("LOG_LEVEL", "INFO")},
    "loggers": {
        "django.server": {"handlers": [], "propagate": False},
        "django.request": {"level": "ERROR"},
        "procrastinate": {"level": "WARNING"},
        "pyBarcode": {"level": "WARNING"},
    },
}
