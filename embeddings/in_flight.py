"""How many requests of one tenant are served at once, so that others find threads."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.conf import settings

from embeddings.engine.errors import CancelledError, DeadlineError
from embeddings.engine.spec import Call
from embeddings.engine.waiting import wait
from embeddings.errors import ClientGoneError, TenantBusyError

#: Requests that may wait for each that is served.
WAITERS = 2
#: What every tenant has, however many others there are.
LEAST_PLACES = 2
#: Where the web server keeps what it calls once a request's reply has been sent.
AT_END = "platform.at_end"
#: When a tenant that has too many requests may try again.
ASK_AGAIN_S = 1.0


@dataclass(eq=False, slots=True)
class _Waiter:
    """A request that waits for a place, until it is called or sent away."""

    called: threading.Event = field(default_factory=threading.Event)
    has_place: bool = False


@dataclass(eq=False, slots=True)
class _Line:
    """One tenant's requests: those that are served, and those that wait for it."""

    weight: float
    served: int = 0
    waiters: deque[_Waiter] = field(default_factory=deque)


class Place:
    """One request's place among those that are served."""

    def __init__(self, leave: Callable[[], None]) -> None:
        self._leave = leave
        self._is_left = False

    def leave(self) -> None:
        """Give the place to the next; safe to repeat."""
        if not self._is_left:
            self._is_left = True
            self._leave()

    def leave_after(self, environ: Mapping[str, Any]) -> None:
        """Leave once the reply has been sent, or now where no server will tell."""
        at_end = environ.get(AT_END)
        if at_end is None:
            self.leave()
        else:
            at_end.append(self.leave)


class InFlight:
    """Places by tenant: its share, by weight, among the tenants that are here now.

    A tenant alone may have all. Twice as many of its requests as are served may wait
    in turn; what comes beyond is refused. Where threads run short, the last of those
    who wait are sent away, of the tenant that has the most threads for its weight.
    """

    def __init__(self, *, places: int) -> None:
        self._places = places
        self._lock = threading.Lock()
        self._lines: dict[str, _Line] = {}

    def enter(
        self,
        tenant: str,
        *,
        wait_s: float,
        weight: float = 1.0,
        is_gone: Callable[[], bool] | None = None,
    ) -> Place:
        """A place for one request; the caller must leave it.

        Raises `TenantBusyError`, `ClientGoneError`.
        """
        waiter = self._ask(tenant, weight)
        if not waiter.has_place:
            deadline = time.monotonic() + wait_s
            call = Call(tenant=tenant, deadline=deadline, is_gone=is_gone)
            try:
                wait(waiter.called, call, what="a place")
            except DeadlineError:
                self._withdraw(tenant, waiter)
            except CancelledError as error:
                if self._withdraw(tenant, waiter):
                    self._leave(tenant)
                raise ClientGoneError from error
        # It may have been called at the last moment.
        if not waiter.has_place:
            raise TenantBusyError(retry_after_s=ASK_AGAIN_S)
        return Place(lambda: self._leave(tenant))

    def _ask(self, tenant: str, weight: float) -> _Waiter:
        """The request in its tenant's line, perhaps called at once."""
        waiter = _Waiter()
        with self._lock:
            line = self._lines.setdefault(tenant, _Line(weight))
            line.weight = weight
            if len(line.waiters) >= WAITERS * self._most(line):
                raise TenantBusyError(retry_after_s=ASK_AGAIN_S)
            line.waiters.append(waiter)
            self._call()
        return waiter

    def _withdraw(self, tenant: str, waiter: _Waiter) -> bool:
        """Wait no more; whether it has been called meanwhile, and has a place."""
        with self._lock:
            line = self._lines.get(tenant)
            if line is not None and waiter in line.waiters:
                line.waiters.remove(waiter)
                self._call()
            return waiter.has_place

    def _leave(self, tenant: str) -> None:
        with self._lock:
            self._lines[tenant].served -= 1
            self._call()

    def _most(self, line: _Line) -> int:
        """Requests of a tenant that are served at once."""
        weights = sum(line.weight for line in self._lines.values())
        return max(LEAST_PLACES, int(self._places * (line.weight / weights)))

    def _call(self) -> None:
        """Call those who have a place now, and send away those who are too many."""
        for tenant, line in list(self._lines.items()):
            if not line.served and not line.waiters:
                del self._lines[tenant]
        lines = self._lines.values()
        for line in lines:
            while line.waiters and line.served < self._most(line):
                line.served += 1
                waiter = line.waiters.popleft()
                waiter.has_place = True
                waiter.called.set()
        excess = sum(line.served + len(line.waiters) for line in lines)
        excess -= (1 + WAITERS) * self._places
        # Who had all places may keep them long after others came, threads and all:
        # what is served counts here, too, or those who came would find no thread.
        while excess > 0 and (waiting := [line for line in lines if line.waiters]):
            largest = max(waiting, key=_crowd)
            largest.waiters.pop().called.set()
            excess -= 1


def _crowd(line: _Line) -> float:
    """How many threads a tenant has, for its weight."""
    return (line.served + len(line.waiters)) / line.weight


@cache
def get_in_flight() -> InFlight:
    """This process's."""
    return InFlight(places=settings.WEB_THREADS)
