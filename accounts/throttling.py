"""Rate limits that are not promised to anybody: guesses, sign-ins, bursts.

Approximate, in the cache; what a tenant is promised is a quota, exact in PostgreSQL.
"""

import ipaddress
import threading
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING

from django.conf import settings
from prometheus_client import Counter
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts import secrets
from accounts.errors import RateLimitedError
from accounts.rate_counter import RateCounter, Usage
from accounts.rates import Rate, rate_of

if TYPE_CHECKING:
    # rest_framework.views may be what imports this module.
    from rest_framework.views import APIView

#: What one subscriber has of IPv6.
SITE_BITS = 64
#: So many rates of one address are what one user name may be tried: nobody alone, even
#: across the edge of two windows, keeps somebody else from signing in.
ADDRESSES_PER_USERNAME = 3

FAILED_KEYS = "failed_keys"
SIGN_INS_BY_ADDRESS = "sign_ins_by_address"
SIGN_INS_BY_USERNAME = "sign_ins_by_username"
BURST = "burst"

REFUSALS = Counter(
    "platform_rate_limited", "Refused by a rate limit before any work.", ("limit",)
)

_counter = RateCounter()


class KeyGuard:
    """Refuses the addresses that show keys which are not valid, before a look-up.

    A key that was accepted in this process, one of the last `size`, is let past: what
    others do behind the same address does not end the service of those who are known.
    """

    def __init__(self, *, size: int = 50_000) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._accepted: OrderedDict[bytes, None] = OrderedDict()

    def check(self, secret: str, *, address: str) -> None:
        """Raise `RateLimitedError` where too many failed from there, for this key too.

        The limit ends with its window: a failure that is refused here counts no more.
        """
        with self._lock:
            if secrets.digest_of(secret) in self._accepted:
                return
        rate, site = rate_of(settings.RATE_FAILED_KEYS), site_of(address)
        if rate is None or not site:
            return
        usage = _counter.look(FAILED_KEYS, value=site, rate=rate)
        if usage is not None and usage.count >= rate.count:
            text = "too many API keys from this address are not valid, try again later"
            raise _refusal(FAILED_KEYS, usage=usage, text=text)

    def note_accepted(self, secret: str) -> None:
        """Let this key past from now on."""
        digest = secrets.digest_of(secret)
        with self._lock:
            self._accepted[digest] = None
            self._accepted.move_to_end(digest)
            if len(self._accepted) > self._size:
                self._accepted.popitem(last=False)

    def note_failed(self, secret: str, *, address: str) -> None:
        """Count a key that is not valid, or is no longer."""
        with self._lock:
            self._accepted.pop(secrets.digest_of(secret), None)
        rate, site = rate_of(settings.RATE_FAILED_KEYS), site_of(address)
        if rate is not None and site:
            _counter.add(FAILED_KEYS, value=site, rate=rate)


class BurstThrottle(BaseThrottle):
    """Holds each key to RATE_BURST, before its request's body is read."""

    def allow_request(self, request: Request, view: "APIView") -> bool:  # noqa: ARG002
        """True, or raise `RateLimitedError`."""
        api_key_id = getattr(request.auth, "api_key_id", None)
        if api_key_id is not None:
            rate = rate_of(settings.RATE_BURST)
            _spend(BURST, value=str(api_key_id), rate=rate)
        return True


def count_sign_in(address: str, *, username: str) -> None:
    """Count an attempt, whatever comes of it; raises `RateLimitedError`."""
    rate = rate_of(settings.RATE_LOGINS)
    if rate is None:
        return
    if site := site_of(address):
        _spend(SIGN_INS_BY_ADDRESS, value=site, rate=rate)
    if username:
        rate = replace(rate, count=rate.count * ADDRESSES_PER_USERNAME)
        _spend(SIGN_INS_BY_USERNAME, value=username, rate=rate)


def site_of(address: str) -> str:
    """Whom an address stands for: an IPv4 address, or a network of IPv6.

    Empty for what is no address, as behind a Unix socket: it would be everybody.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    # All of IPv4 lies in one such network.
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found), SITE_BITS), strict=False))


def _spend(limit: str, *, value: str, rate: Rate | None) -> None:
    if rate is None:
        return
    usage = _counter.add(limit, value=value, rate=rate)
    if usage is not None and usage.count > rate.count:
        raise _refusal(limit, usage=usage)


def _refusal(limit: str, *, usage: Usage, text: str | None = None) -> RateLimitedError:
    REFUSALS.labels(limit).inc()
    return RateLimitedError(text, retry_after_s=usage.left_s)


_guard = KeyGuard()


def get_guard() -> KeyGuard:
    """The process's guard."""
    return _guard
