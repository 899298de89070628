"""System checks of the settings: what must not start, and what to do about it."""

import re
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from cryptography.fernet import Fernet
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connections

from accounts.rates import rate_of
from config.cache_options import is_redis_url
from config.client_address import networks
from embeddings.engine.config import RUNTIMES

SECRET_KEY_LENGTH = 50
POSTGRES_MAJOR = 16
DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")
LOOPBACK = ("127.", "localhost:", "[::1]:", "unix:")

#: Settings that count or measure something there must be some of.
POSITIVE = (
    "ENGINE_BATCH_TOKENS",
    "ENGINE_MEMORY_MB",
    "ENGINE_QUEUE_TOKENS",
    "GRACEFUL_TIMEOUT_S",
    "MAX_API_KEYS",
    "MAX_BODY_BYTES",
    "MAX_TEXTS",
    "READ_TIMEOUT_S",
    "REQUEST_TIMEOUT_S",
    "WEB_THREADS",
    "WORKER_PROCESSES",
    "WRITE_TIMEOUT_S",
)

#: Settings that are rates.
RATES = ("RATE_BURST", "RATE_FAILED_KEYS", "RATE_LOGINS")


def _secret_key() -> str:
    """The setting, which Django refuses to show while it is empty."""
    try:
        return str(settings.SECRET_KEY)
    except ImproperlyConfigured:
        return ""


def is_local(bind: str) -> bool:
    """Whether the web server's address is reached from this machine only."""
    return bind.startswith(LOOPBACK)


@register(Tags.security)
def check_secrets(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001 -- Django's signature
    **kwargs: Any,  # noqa: ARG001
) -> list[CheckMessage]:
    """SECRET_KEY and FIELD_KEYS are there and usable."""
    found: list[CheckMessage] = []
    secret_key = _secret_key()
    if not secret_key:
        hint = "Run `make run`, which makes one in DATA_DIR, or set SECRET_KEY."
        found.append(Error("SECRET_KEY is not set.", hint=hint, id="config.E001"))
    elif len(secret_key) < SECRET_KEY_LENGTH:
        hint = "`openssl rand -base64 48` makes a good one."
        message = f"SECRET_KEY has fewer than {SECRET_KEY_LENGTH} characters."
        found.append(Error(message, hint=hint, id="config.E002"))
    try:
        for key in settings.FIELD_KEYS:
            Fernet(key)
    except ValueError:
        hint = "Each is 32 bytes in URL-safe base64, separated by spaces."
        found.append(
            Error("FIELD_KEYS holds no Fernet key.", hint=hint, id="config.E003")
        )
    return found


@register(Tags.security)
def check_exposure(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001 -- Django's signature
    **kwargs: Any,  # noqa: ARG001
) -> list[CheckMessage]:
    """What listens beyond this machine is not open to everyone."""
    found: list[CheckMessage] = []
    if settings.DEBUG and not is_local(settings.WEB_BIND):
        hint = "Debug pages show settings: unset DEBUG, or bind to 127.0.0.1."
        message = f"DEBUG is on and the server listens on {settings.WEB_BIND}."
        found.append(Error(message, hint=hint, id="config.E004"))
    if "*" in settings.ALLOWED_HOSTS:
        hint = "Name the hosts that clients use, separated by commas."
        found.append(Error("ALLOWED_HOSTS holds *.", hint=hint, id="config.E005"))
    try:
        networks(settings.TRUSTED_PROXIES)
    except ValueError as error:
        hint = "Addresses or networks, separated by commas."
        found.append(Error(f"TRUSTED_PROXIES: {error}.", hint=hint, id="config.E006"))
    return found


@register()
def check_numbers(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001 -- Django's signature
    **kwargs: Any,  # noqa: ARG001
) -> list[CheckMessage]:
    """No limit is zero or less."""
    return [
        Error(f"{name} must be more than 0.", id="config.E007")
        for name in POSITIVE
        if getattr(settings, name) <= 0
    ]


@register()
def check_rates(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001 -- Django's signature
    **kwargs: Any,  # noqa: ARG001
) -> list[CheckMessage]:
    """Rate limits are written as they are read, and there is what counts them."""
    found: list[CheckMessage] = []
    for name in RATES:
        try:
            rate_of(getattr(settings, name))
        except ValueError as error:
            hint = "600/10 is 600 in 10 seconds; 0 is no limit."
            found.append(Error(f"{name}: {error}.", hint=hint, id="config.E013"))
    if settings.REDIS_URL and not is_redis_url(settings.REDIS_URL):
        hint = "Such as redis://:password@host:6379/0; rediss:// is with TLS."
        found.append(Error("REDIS_URL is no such URL.", hint=hint, id="config.E014"))
    if settings.REDIS_URL and find_spec("redis") is None:
        hint = "Run `pip install 'embedding-platform[redis]'`, or unset REDIS_URL."
        message = "REDIS_URL is set, and Redis' client is not installed."
        found.append(Error(message, hint=hint, id="config.E015"))
    return found


@register()
def check_engine(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001 -- Django's signature
    **kwargs: Any,  # noqa: ARG001
) -> list[CheckMessage]:
    """The engine's device and runtime are ones there are."""
    found: list[CheckMessage] = []
    if not DEVICE.fullmatch(settings.ENGINE_DEVICE):
        message = f"ENGINE_DEVICE is {settings.ENGINE_DEVICE}."
        hint = "Known are auto, cpu, cuda, and cuda:1 for the second GPU."
        found.append(Error(message, hint=hint, id="config.E011"))
    if settings.ENGINE_RUNTIME not in RUNTIMES:
        message = f"ENGINE_RUNTIME is {settings.ENGINE_RUNTIME}."
        hint = f"Known are {', '.join(RUNTIMES)}."
        found.append(Error(message, hint=hint, id="config.E012"))
    return found


@register()
def check_database_is_set(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001 -- Django's signature
    **kwargs: Any,  # noqa: ARG001
) -> list[CheckMessage]:
    """There is a database, and it is PostgreSQL."""
    database = settings.DATABASES["default"]
    if not database["NAME"]:
        hint = "Start the platform with `make run` first, or set DATABASE_URL."
        message = f"There is no database: none runs in {settings.DATA_DIR}."
        return [Error(message, hint=hint, id="config.E008")]
    if database["ENGINE"] != "django.db.backends.postgresql":
        hint = "DATABASE_URL starts with postgresql://."
        return [Error("The database is not PostgreSQL.", hint=hint, id="config.E009")]
    return []


@register(Tags.database)
def check_database_version(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001 -- Django's signature
    databases: Sequence[str] | None = None,
    **kwargs: Any,  # noqa: ARG001
) -> list[CheckMessage]:
    """The server is new enough; one that is away is found out elsewhere."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        try:
            major = connections[alias].pg_version // 10_000  # type: ignore[attr-defined]
        except OperationalError:
            continue
        if major < POSTGRES_MAJOR:
            message = f"PostgreSQL {major} is too old: {POSTGRES_MAJOR} is the oldest."
            hint = "Point DATABASE_URL at a newer server."
            found.append(Error(message, hint=hint, id="config.E010"))
    return found
