"""The meter of this process."""

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Protocol

from accounts.metering.entries import Ask, Reservation
from accounts.metering.meter import Meter
from accounts.metering.usage import Usage
from accounts.quotas import Standing


class Meters(Protocol):
    """What lets requests in and writes what they used; see `Meter`."""

    def admit(self, ask: Ask) -> Reservation:
        """Let a request in, or raise why not."""

    def settle(self, reservation: Reservation, usage: Usage) -> tuple[Standing, ...]:
        """Return when the event is durable; raise `UnavailableError` if it is not."""

    def release(self, reservation: Reservation) -> None:
        """Give everything back, without an event."""

    def close(self) -> None:
        """Finish what was handed over, and end."""


_meter: Meters | None = None
_lock = threading.Lock()


def get_meter() -> Meters:
    """The process's meter; its thread starts with the first settlement."""
    global _meter  # noqa: PLW0603 - one per process
    with _lock:
        if _meter is None:
            _meter = Meter()
        return _meter


@contextlib.contextmanager
def use_meter(meter: Meters) -> Iterator[None]:
    """Let `meter` be the process's for a while; nobody closes it."""
    global _meter  # noqa: PLW0603 - one per process
    before, _meter = _meter, meter
    try:
        yield
    finally:
        _meter = before


def close_meter() -> None:
    """Finish what the process's meter was given; a later use starts a new one."""
    global _meter
    with _lock:
        meter, _meter = _meter, None
    if meter is not None:
        meter.close()


def _begin_anew() -> None:
    """In a forked child there is no metering thread, and a lock may be held."""
    global _meter, _lock
    _meter, _lock = None, threading.Lock()


os.register_at_fork(after_in_child=_begin_anew)
