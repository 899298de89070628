"""Counting against rates in the cache; what fails there is told, and limits nobody."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from django_ratelimit.core import get_usage
from prometheus_client import Counter

from accounts.rates import Rate

logger = logging.getLogger(__name__)

#: A cache that failed is left alone for so long, so that it holds up one request at
#: most in that time.
REST_S = 5.0
WARNING_INTERVAL_S = 60.0

FAILURES = Counter(
    "platform_rate_cache_failures", "Calls of the cache of rate limits that failed."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the present window has counted; it ends in `left_s`, 1 or more."""

    count: int
    left_s: int


class RateCounter:
    """django-ratelimit's fixed windows behind a circuit breaker; never raises.

    Counts are approximate: up to twice a rate passes across the edge of two windows,
    and what is counted in local memory, each process counts for itself.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._rests_until: float | None = None
        self._silent_until = float("-inf")

    def add(self, group: str, *, value: str, rate: Rate) -> Usage | None:
        """Count one more for `value`; None where the cache cannot tell."""
        return self._ask(group, value=value, rate=rate, increment=True)

    def look(self, group: str, *, value: str, rate: Rate) -> Usage | None:
        """What is counted for `value` by now; None where the cache cannot tell."""
        return self._ask(group, value=value, rate=rate, increment=False)

    def _ask(
        self, group: str, *, value: str, rate: Rate, increment: bool
    ) -> Usage | None:
        if not self._may_ask():
            return None
        try:
            # The library joins group, rate and value with nothing between them: a
            # colon keeps "tenant1" + "5/60s" and "tenant" + "15/60s" apart.
            found = get_usage(
                None,
                group=f"{group}:",
                key=lambda *_: f"{value}:",
                rate=(rate.count, rate.seconds),
                increment=increment,
            )
        except Exception as error:  # noqa: BLE001 - whatever a cache raises: it is told
            self._note_failure(error)
            return None
        self._note_success()
        if found is None:
            # The window ended between two steps of the library.
            return None
        return Usage(count=found["count"], left_s=max(1, found["time_left"]))

    def _may_ask(self) -> bool:
        if self._rests_until is None:
            return True
        with self._lock:
            now = self._clock()
            if self._rests_until is not None and now < self._rests_until:
                return False
            # One request finds out whether the cache is back; the others go on.
            self._rests_until = now + REST_S
            return True

    def _note_failure(self, error: Exception) -> None:
        FAILURES.inc()
        with self._lock:
            now = self._clock()
            self._rests_until = now + REST_S
            is_told = now < self._silent_until
            if not is_told:
                self._silent_until = now + WARNING_INTERVAL_S
        if not is_told:
            logger.warning(
                "The cache of rate limits fails, and nobody is limited: %s: %s",
                type(error).__name__,
                error,
            )

    def _note_success(self) -> None:
        if self._rests_until is not None:
            with self._lock:
                self._rests_until = None
            logger.info("The cache of rate limits answers again.")
