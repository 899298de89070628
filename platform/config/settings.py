"""The one settings module: typed readers of the environment, then sections.

A secret may also be given as `NAME_FILE`, the path of a file that holds it. What `up`
made in DATA_DIR (secrets, the embedded PostgreSQL) is found there by every command.
"""

from pathlib import Path

import dj_database_url
from environs import Env

from config import cache_options, celery_options, logging, secret_files
from config.unfold import UNFOLD  # noqa: F401 -- a setting, read by its name
from embedded import address

ROOT = Path(__file__).resolve().parents[2]
env = Env(eager=False)

# Where things are
DATA_DIR = Path(env.str("DATA_DIR", str(ROOT / "var"))).resolve()
MODELS_DIR = Path(env.str("MODELS_DIR", str(DATA_DIR / "models"))).resolve()
PORT = env.int("PORT", 8000)

# Security
DEBUG = env.bool("DEBUG", False)
SECRET_KEY = secret_files.read("SECRET_KEY", default=DATA_DIR / secret_files.SECRET_KEY)
#: Keys of the secrets in the database, newest first: it writes, all read.
FIELD_KEYS = secret_files.read(
    "FIELD_KEYS", default=DATA_DIR / secret_files.FIELD_KEYS
).split()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
TRUSTED_PROXIES: list[str] = env.list("TRUSTED_PROXIES", [])
BEHIND_TLS = env.bool("BEHIND_TLS", False)
#: Whether clients that send no headers may have their key in the path.
KEY_IN_PATH = env.bool("KEY_IN_PATH", False)
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600
X_FRAME_OPTIONS = "DENY"
if BEHIND_TLS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    # A client that sends its key in clear must fail, not be led on: only people's
    # pages are redirected.
    SECURE_REDIRECT_EXEMPT = [r"^(?!admin/|docs$)"]
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("HSTS_SUBDOMAINS", True)
    SECURE_HSTS_PRELOAD = env.bool("HSTS_PRELOAD", True)
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

# What one request may hold
MAX_BODY_BYTES = env.int("MAX_BODY_BYTES", 8 * 1024 * 1024)
MAX_TEXTS = env.int("MAX_TEXTS", 2048)
REQUEST_TIMEOUT_S = env.float("REQUEST_TIMEOUT_S", 60.0)

# What one tenant may issue by itself
MAX_API_KEYS = env.int("MAX_API_KEYS", 1000)

# The web server
WEB_THREADS = env.int("WEB_THREADS", 32)
WEB_BIND = env.str("WEB_BIND", f"127.0.0.1:{PORT}")
READ_TIMEOUT_S = env.float("READ_TIMEOUT_S", 10.0)
WRITE_TIMEOUT_S = env.float("WRITE_TIMEOUT_S", 30.0)
GRACEFUL_TIMEOUT_S = env.int("GRACEFUL_TIMEOUT_S", 30)
ACCESS_LOG = env.bool("ACCESS_LOG", True)

# The engine
ENGINE_MEMORY_MB = env.int("ENGINE_MEMORY_MB", 4096)
ENGINE_STREAMS = env.int("ENGINE_STREAMS", 0)
ENGINE_THREADS = env.int("ENGINE_THREADS", 0)
ENGINE_BATCH_TOKENS = env.int("ENGINE_BATCH_TOKENS", 16_384)
ENGINE_QUEUE_TOKENS = env.int("ENGINE_QUEUE_TOKENS", 4_000_000)
ENGINE_DEVICE = env.str("ENGINE_DEVICE", "auto")
ENGINE_RUNTIME = env.str("ENGINE_RUNTIME", "auto")
ENGINE_CACHE_DIR = Path(env.str("ENGINE_CACHE_DIR", str(DATA_DIR / "cache"))).resolve()
KEEP_ALIVE_S = env.float("KEEP_ALIVE_S", 300.0)
KEEP_ALIVE_MAX_S = env.float("KEEP_ALIVE_MAX_S", 3600.0)

# Watching it
METRICS_TOKEN = secret_files.read("METRICS_TOKEN")

# The hub that models are pulled from; HF_TOKEN is its library's own.
HF_ENDPOINT = env.str("HF_ENDPOINT", "https://huggingface.co")

# Usage
LEDGER_MONTHS = env.int("LEDGER_MONTHS", 0)

# Applications
INSTALLED_APPS = [
    # Its other config would put its own site in the place of ours.
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "config.apps.PlatformAdminConfig",
    "accounts.apps.AccountsConfig",
    "embeddings.apps.EmbeddingsConfig",
    "config.apps.PlatformConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "pgtrigger",
    "auditlog",
    "axes",
]
MIDDLEWARE = [
    "config.path_key.PathKeyMiddleware",
    "config.client_address.ClientAddressMiddleware",
    "config.headers.SecurityHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.audit.AdminAuditMiddleware",
    "axes.middleware.AxesMiddleware",
]
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
LOGIN_REDIRECT_URL = "admin:index"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
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

# The database
POSTGRES_HOME = DATA_DIR / "postgres"
DATABASE_URL = secret_files.read("DATABASE_URL")
if not DATABASE_URL and address.is_listening(POSTGRES_HOME):
    DATABASE_URL = address.url_of(POSTGRES_HOME, "platform")
DATABASES = {
    "default": dj_database_url.parse(DATABASE_URL)
    if DATABASE_URL
    else {"ENGINE": "django.db.backends.postgresql", "NAME": "", "HOST": ""}
}
DATABASES["default"]["CONN_MAX_AGE"] = 0
# A network that is cut in silence is noticed within seconds, not hours.
DATABASES["default"]["OPTIONS"] = {
    "connect_timeout": 3,
    "tcp_user_timeout": 5000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
} | DATABASES["default"].get("OPTIONS", {})
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Rate limits, each "count/seconds", 0 for none. Approximate, and lost with their cache:
# what a tenant is promised is a quota.
RATE_FAILED_KEYS = env.str("RATE_FAILED_KEYS", "20/60")
RATE_LOGINS = env.str("RATE_LOGINS", "20/60")
RATE_BURST = env.str("RATE_BURST", "6000/10")
REDIS_URL = secret_files.read("REDIS_URL")
CACHES = cache_options.options(REDIS_URL)
RATELIMIT_USE_CACHE = cache_options.RATE_LIMITS
RATELIMIT_FAIL_OPEN = True

# Background work
BROKER_URL = secret_files.read("BROKER_URL") or celery_options.PGMQ_URL
WORKER_PROCESSES = env.int("WORKER_PROCESSES", 1)
CELERY_OPTIONS = celery_options.options(
    broker_url=BROKER_URL, database=DATABASES["default"]
)

# Logs
LOG_LEVEL = env.str("LOG_LEVEL", "INFO").upper()
LOG_FORMAT = env.str("LOG_FORMAT", logging.default_format())
LOGGING = logging.configuration(level=LOG_LEVEL, log_format=LOG_FORMAT)

# Sign-in protection
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]

# Files
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ["gif", "gz", "br", "jpg", "map", "png", "woff2"]

# Language and time
LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
FORMAT_MODULE_PATH = "config.formats"
TIME_ZONE = "UTC"

# REST framework: only what the wires need
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["config.permissions.DenyAll"],
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    # The document is our own; theirs are its page and the tenant API's part.
    "OAS_VERSION": "3.1.0",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    # How to show a key is told once, for all routes.
    "AUTHENTICATION_WHITELIST": [],
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

env.seal()
