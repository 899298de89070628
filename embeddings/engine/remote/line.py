"""Calls that wait for one endpoint: so many at once, tenants in fair turns."""

import heapq
import itertools
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from embeddings.engine.errors import EngineError, OverloadedError
from embeddings.engine.remote.failures import BadAnswerError, CallError
from embeddings.engine.remote.retrying import pause_s
from embeddings.engine.spec import Call
from embeddings.engine.waiting import wait

logger = logging.getLogger(__name__)

#: When to ask a server again that stops.
ASK_AGAIN_S = 5.0
#: Of so many places, one is for those who are not there yet: calls take long, and
#: nobody is stopped for somebody else.
SHARED_BY = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One call: `cost` is its share's measure, `run` makes it until a moment.

    `run` takes the moment (monotonic) at which it must have ended, gives the result
    and raises `CallError`; `retried` is told of each further try.
    """

    cost: int
    run: Callable[[float], object]
    retried: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How an endpoint may be asked, as `Endpoint` has it."""

    concurrency: int
    attempts: int
    timeout_s: float


@dataclass(eq=False, slots=True, kw_only=True)
class Errand:
    """A request's calls and what came of them; the first error ends it."""

    tenant: str
    weight: float
    is_batch: bool
    deadline: float
    rules: Rules
    results: list[object]
    left: int
    error: CallError | EngineError | None = None
    done: threading.Event = field(default_factory=threading.Event)


@dataclass(eq=False, slots=True)
class Piece:
    """One call of an errand, and how often it was tried."""

    errand: Errand
    index: int
    work: Work
    tries: int = 0


class Line:
    """A queue before an endpoint, and a thread for each call that runs.

    Start-time fair queueing over the calls' cost by tenant weight, batch jobs after
    all others; a call that is to be tried again waits outside and takes no place. No
    tenant has all places of many. Threads begin with the work and end with it.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._changed = threading.Condition()
        self._lanes: dict[tuple[bool, str], deque[Piece]] = {}
        self._later: list[tuple[float, int, Piece]] = []
        self._numbers = itertools.count()
        self._tags: dict[str, float] = {}
        self._now = 0.0
        self._threads = 0
        self._busy: Counter[str] = Counter()
        self._concurrency = 1
        self._errands: set[Errand] = set()
        self._is_closed = False

    def run(self, works: Sequence[Work], call: Call, *, rules: Rules) -> list[object]:
        """What each call gave, in order.

        Raises the first `CallError`; `DeadlineError`, `CancelledError`,
        `OverloadedError`. What has not begun by then is dropped.
        """
        if call.weight <= 0:
            raise ValueError("a tenant's weight must be positive")
        if not works:
            return []
        errand = Errand(
            tenant=call.tenant,
            weight=call.weight,
            is_batch=call.is_batch,
            deadline=call.deadline,
            rules=rules,
            results=[None] * len(works),
            left=len(works),
        )
        try:
            self._add(errand, works)
            wait(errand.done, call, what="the provider's answer")
        finally:
            with self._changed:
                # Calls that still run find nobody to tell; what waits is dropped.
                errand.done.set()
                self._errands.discard(errand)
                self._changed.notify_all()
        if errand.error is not None:
            raise errand.error
        return errand.results

    def close(self, *, drain_s: float) -> None:
        """Refuse new calls, wait for what waits and runs, fail the rest."""
        with self._changed:
            self._is_closed = True
            self._changed.wait_for(lambda: not self._errands, timeout=drain_s)
            for errand in self._errands:
                self._fail(errand, _closing())
            self._changed.notify_all()

    def _add(self, errand: Errand, works: Sequence[Work]) -> None:
        with self._changed:
            if self._is_closed:
                raise _closing()
            self._errands.add(errand)
            self._concurrency = errand.rules.concurrency
            for index, work in enumerate(works):
                self._queue(Piece(errand, index, work))
            self._changed.notify_all()
            waiting = sum(map(len, self._lanes.values()))
            busy = self._busy.total()
            while self._threads < min(self._concurrency, busy + waiting):
                name = f"{self._name}-{self._threads}"
                threading.Thread(target=self._work, name=name, daemon=True).start()
                self._threads += 1

    def _queue(self, piece: Piece) -> None:
        tenant = piece.errand.tenant
        # Time without calls earns no credit.
        self._tags[tenant] = max(self._tags.get(tenant, 0.0), self._now)
        key = (piece.errand.is_batch, tenant)
        self._lanes.setdefault(key, deque()).append(piece)

    def _work(self) -> None:
        """A thread's life: one call after the other while there are any."""
        while (piece := self._next()) is not None:
            try:
                result = piece.work.run(self._ends_at(piece))
            except CallError as failure:
                self._failed(piece, failure)
            # The thread outlives any bug, and nobody waits in vain.
            except BaseException as bug:
                name = type(bug).__name__
                logger.exception("a call of %s failed outside of it", self._name)
                self._failed(piece, BadAnswerError(f"the call failed with {name}"))
            else:
                self._put(piece, result)
            with self._changed:
                self._busy[piece.errand.tenant] -= 1
                self._changed.notify_all()

    @staticmethod
    def _ends_at(piece: Piece) -> float:
        errand = piece.errand
        return min(errand.deadline, time.monotonic() + errand.rules.timeout_s)

    def _next(self) -> Piece | None:
        """The next call; None when this thread is not needed any more."""
        with self._changed:
            while True:
                self._return_due()
                if self._threads > self._concurrency:
                    break
                if lanes := self._open_lanes():
                    piece = self._take(lanes)
                    if not piece.errand.done.is_set():
                        piece.tries += 1
                        self._busy[piece.errand.tenant] += 1
                        return piece
                elif self._lanes and not self._later:
                    self._changed.wait()
                elif self._later:
                    pause = self._later[0][0] - time.monotonic()
                    self._changed.wait(max(0.0, pause))
                else:
                    break
            self._threads -= 1
            if not self._threads:
                self._tags.clear()
                self._busy.clear()
                self._now = 0.0
            return None

    def _return_due(self) -> None:
        """Let those wait in line again whose pause is over, forget who has gone."""
        now = time.monotonic()
        self._later = [one for one in self._later if not one[2].errand.done.is_set()]
        heapq.heapify(self._later)
        while self._later and self._later[0][0] <= now:
            self._queue(heapq.heappop(self._later)[2])

    def _open_lanes(self) -> list[tuple[bool, str]]:
        """The lanes of tenants that have not all places they may have."""
        most = self._concurrency - self._concurrency // SHARED_BY
        return [lane for lane in self._lanes if self._busy[lane[1]] < most]

    def _take(self, lanes: Sequence[tuple[bool, str]]) -> Piece:
        """The call of the tenant that was given the least for its weight."""
        key = min(lanes, key=lambda lane: (lane[0], self._tags[lane[1]]))
        lane = self._lanes[key]
        piece = lane.popleft()
        if not lane:
            del self._lanes[key]
        tag = self._tags[key[1]]
        self._now = max(self._now, tag)
        if not piece.errand.done.is_set():
            self._tags[key[1]] = tag + piece.work.cost / piece.errand.weight
        return piece

    def _failed(self, piece: Piece, failure: CallError) -> None:
        """Try again later where that may help and is in time, else end the errand."""
        errand = piece.errand
        pause = pause_s(piece.tries, asked_s=failure.retry_after_s)
        again_at = time.monotonic() + pause
        is_last = piece.tries >= errand.rules.attempts or again_at >= errand.deadline
        if not failure.may_retry or is_last:
            with self._changed:
                self._fail(errand, failure)
            return
        piece.work.retried()
        with self._changed:
            heapq.heappush(self._later, (again_at, next(self._numbers), piece))
            self._changed.notify_all()

    def _put(self, piece: Piece, result: object) -> None:
        errand = piece.errand
        with self._changed:
            errand.results[piece.index] = result
            errand.left -= 1
            if not errand.left:
                errand.done.set()

    @staticmethod
    def _fail(errand: Errand, error: CallError | EngineError) -> None:
        if not errand.done.is_set():
            errand.error = error
            errand.done.set()


def _closing() -> OverloadedError:
    return OverloadedError("the server is shutting down", retry_after_s=ASK_AGAIN_S)
