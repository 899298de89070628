"""A process-local cache of keys, grants and catalog rows that is never over 1 s old."""

import contextlib
import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

from django.db import InterfaceError, InternalError, OperationalError, connection

from accounts.errors import UnavailableError
from accounts.models import Revision

logger = logging.getLogger(__name__)

T = TypeVar("T")

POLL_INTERVAL_S = 0.5
RETRY_INTERVAL_S = 0.25

#: What was polled longer ago than this is not answered from: a revocation's bound.
FRESH_S = 1.0


class RevisionCache:
    """Answers from memory until the revision changes, and refuses when it cannot know.

    `size` bounds the values kept, `absent_size` the keys whose value is None, which are
    kept apart so that a flood of unknown names does not push known ones out. A daemon
    thread, started by the first use in each process, polls the revision on a connection
    of its own. Inside a transaction nothing is cached: it may see what others do not.
    """

    def __init__(self, *, size: int = 50_000, absent_size: int = 10_000) -> None:
        self._values: OrderedDict[Hashable, object] = OrderedDict()
        self._absent: OrderedDict[Hashable, object] = OrderedDict()
        self._sizes = ((self._values, size), (self._absent, absent_size))
        self._changed = threading.Condition()
        self._generation = 0
        self._number: int | None = None
        self._polled_at = float("-inf")
        self._is_failing = False
        self._poller: threading.Thread | None = None
        self._stop = threading.Event()

    def get(self, key: Hashable, load: Callable[[], T]) -> T:
        """The value of `key`, read by `load` (one query or so) unless known.

        Values must not be changed by their readers. Raises `UnavailableError` when the
        database does not answer.
        """
        if connection.in_atomic_block:
            return load()
        with self._changed:
            generation = self._fresh_generation()
            for rows, _ in self._sizes:
                if key in rows:
                    rows.move_to_end(key)
                    return cast("T", rows[key])
        value = _load(load)
        with self._changed:
            # What was read before a change must not be kept after it.
            if generation == self._generation:
                self._keep(key, value)
        return value

    def close(self) -> None:
        """Stop polling and forget everything; the next use starts again."""
        with self._changed:
            poller, self._poller = self._poller, None
            self._stop.set()
        if poller is not None:
            poller.join()
        with self._changed:
            self._forget()
            self._polled_at = float("-inf")
            self._is_failing = False

    def _fresh_generation(self) -> int:
        """Wait until a recent poll is known or fails; the caller holds the lock."""
        if self._poller is None:
            self._start()
        self._changed.wait_for(
            lambda: self._is_fresh() or self._is_failing, timeout=FRESH_S
        )
        if not self._is_fresh():
            raise UnavailableError
        return self._generation

    def _is_fresh(self) -> bool:
        return time.monotonic() - self._polled_at <= FRESH_S

    def _keep(self, key: Hashable, value: object) -> None:
        rows, size = self._sizes[value is None]
        rows[key] = value
        if len(rows) > size:
            rows.popitem(last=False)

    def _forget(self) -> None:
        self._generation += 1
        for rows, _ in self._sizes:
            rows.clear()

    def _start(self) -> None:
        self._stop = threading.Event()
        self._poller = threading.Thread(
            target=self._poll, args=(self._stop,), name="revision", daemon=True
        )
        self._poller.start()

    def _poll(self, stop: threading.Event) -> None:
        """The poller's life: no error ends it."""
        while not stop.is_set():
            started_at = time.monotonic()
            try:
                number = Revision.objects.current()
            except Exception as error:  # noqa: BLE001 - whatever it is, poll again
                self._note_failure(error)
                with contextlib.suppress(Exception):
                    connection.close()
                stop.wait(RETRY_INTERVAL_S)
            else:
                self._note(number, polled_at=started_at)
                stop.wait(POLL_INTERVAL_S)
        connection.close()

    def _note(self, number: int, *, polled_at: float) -> None:
        with self._changed:
            if number != self._number:
                self._forget()
            if self._is_failing:
                logger.info("The database answers again.")
            # The time before the query: what was committed later may be missing.
            self._number, self._polled_at = number, polled_at
            self._is_failing = False
            self._changed.notify_all()

    def _note_failure(self, error: Exception) -> None:
        with self._changed:
            if not self._is_failing:
                logger.warning("The revision cannot be read: %s", error)
            self._is_failing = True
            self._changed.notify_all()


def _load(load: Callable[[], T]) -> T:
    """Call `load`; the thread gives back the connection that this opened."""
    was_closed = connection.connection is None
    try:
        return load()
    except (OperationalError, InterfaceError, InternalError) as error:
        logger.warning("A row cannot be read: %s", error)
        raise UnavailableError from error
    finally:
        if was_closed:
            connection.close()


_cache: RevisionCache | None = None
_cache_lock = threading.Lock()


def get_cache() -> RevisionCache:
    """The process's cache, shared by all who keep rows; keys start with their kind."""
    global _cache  # noqa: PLW0603 - one per process
    with _cache_lock:
        if _cache is None:
            _cache = RevisionCache()
        return _cache


def close_cache() -> None:
    """End the process's poller and close its connection; the next use starts again."""
    with _cache_lock:
        cache = _cache
    if cache is not None:
        cache.close()


def _begin_anew() -> None:
    """In a forked child there is no poller, and a lock may be held by nobody."""
    global _cache, _cache_lock
    _cache, _cache_lock = None, threading.Lock()


os.register_at_fork(after_in_child=_begin_anew)
