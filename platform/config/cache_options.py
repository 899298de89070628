"""Django's CACHES: what a process remembers, and where rate limits are counted."""

from typing import Any
from urllib.parse import urlsplit

#: The cache of rate limits; the other one is the process's own.
RATE_LIMITS = "rate_limits"
MAX_ENTRIES = 100_000
#: For connecting, and for each answer.
TIMEOUT_S = 0.25
SCHEMES = ("redis", "rediss", "unix")
LOCAL_MEMORY = "django.core.cache.backends.locmem.LocMemCache"
REDIS = "django.core.cache.backends.redis.RedisCache"


class NumberSerializer:
    """Numbers as text: what somebody else wrote into Redis is never unpickled."""

    def dumps(self, obj: int) -> bytes:
        """A number's digits."""
        return b"%d" % obj

    def loads(self, data: bytes) -> int:
        """The number; raises ValueError."""
        return int(data)


def options(redis_url: str) -> dict[str, dict[str, Any]]:
    """Rates are counted in Redis for all processes, without a URL in each alone."""
    shared = {
        "BACKEND": REDIS,
        # A list: Django would split a text where its password has a comma.
        "LOCATION": [redis_url],
        "KEY_PREFIX": "embedding-platform",
        "OPTIONS": {
            "socket_connect_timeout": TIMEOUT_S,
            "socket_timeout": TIMEOUT_S,
            "serializer": f"{__name__}.{NumberSerializer.__name__}",
        },
    }
    return {
        "default": _local("default"),
        RATE_LIMITS: shared if redis_url else _local(RATE_LIMITS),
    }


def is_redis_url(text: str) -> bool:
    """Whether the client understands it."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    place = parts.path if parts.scheme == "unix" else parts.hostname
    return parts.scheme in SCHEMES and bool(place) and port != 0


def _local(name: str) -> dict[str, Any]:
    return {
        "BACKEND": LOCAL_MEMORY,
        "LOCATION": name,
        "OPTIONS": {"MAX_ENTRIES": MAX_ENTRIES},
    }
