"""Runs waiting texts in batches on a few threads; one failing text fails alone."""

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from embeddings.engine.attempts import Attempts, DeviceLostError, Outcome
from embeddings.engine.errors import (
    ForwardError,
    OverloadedError,
    TenantOverloadedError,
)
from embeddings.engine.fair_queue import FairQueue
from embeddings.engine.pool import ModelPool
from embeddings.engine.resident import Resident
from embeddings.engine.spec import Call, TokenRow, Vector
from embeddings.engine.tally import BatchBudget, Running, Tally
from embeddings.engine.tickets import Batch, Item, Ticket
from embeddings.engine.waiting import wait

logger = logging.getLogger(__name__)

#: Tokens below which splitting work between streams gains nothing. What comes alone
#: is not even worth another thread's while.
SMALLEST_BATCH = 128
#: What of the queue one tenant may fill while others find room.
TENANT_SHARE = 0.5
#: When to ask a server again that stops, or whose device is lost.
ASK_AGAIN_S = 5.0
#: For threads to end once there is nothing left to wait for.
LAST_MOMENT_S = 0.2
#: What a stream rests after a failure of its own.
REST_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStatus:
    """What waits and runs, as `EngineStatus` tells it."""

    queued_texts: int
    queued_tokens: int
    busy_streams: int
    tally: Tally
    trouble: str
    is_lost: bool


class Batcher:
    """A bounded queue and its streams: threads that each run one batch at a time.

    The lock is never held while a model runs. Batches form while others run, without
    any delay of their own. `is_device_lost` judges what a model raised; `clock` is in
    seconds.
    """

    def __init__(
        self,
        pool: ModelPool,
        *,
        streams: int,
        batch_tokens: int,
        queue_tokens: int,
        is_device_lost: Callable[[BaseException], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._streams = streams
        self._queue_tokens = queue_tokens
        self._clock = clock
        self._lock = threading.Lock()
        #: The streams wait for work, the end for the last ticket.
        self._work_came = threading.Condition(self._lock)
        self._ticket_left = threading.Condition(self._lock)
        self._queue = FairQueue()
        self._tickets: set[Ticket] = set()
        self._threads: list[threading.Thread] = []
        self._running = Running()
        self._budget = BatchBudget(batch_tokens)
        self._tally = Tally()
        #: Why nothing is taken any more, and why the process must be replaced.
        self._refusal = ""
        self._trouble = ""
        self._is_closed = False
        self._attempts = Attempts(
            deliver=self._deliver,
            shrunk=self._shrink,
            make_room=pool.evict_idle,
            is_device_lost=is_device_lost,
        )

    def submit(
        self, resident: Resident, rows: Sequence[TokenRow], call: Call
    ) -> list[Vector]:
        """What each row asks for, in order, of a model the caller holds.

        Raises `OverloadedError` before anything is queued; `DeadlineError`,
        `CancelledError`, `ForwardError`.
        """
        if call.weight <= 0:
            raise ValueError("a tenant's weight must be positive")
        if not rows:
            return []
        ticket = Ticket(
            resident=resident,
            tenant=call.tenant,
            weight=call.weight,
            rows=rows,
            is_batch=call.is_batch,
            asked_at=self._clock(),
        )
        batch = self._admit(ticket)
        try:
            if batch is not None:
                self._run(batch)
            wait(ticket.done, call, what="embedding")
        finally:
            with self._lock:
                self._queue.remove(ticket)
                self._tickets.discard(ticket)
                # Rows that are running now find nobody to tell.
                ticket.done.set()
                if not self._tickets:
                    self._ticket_left.notify_all()
        if ticket.error is not None:
            raise ticket.error
        return [vector for vector in ticket.vectors if vector is not None]

    def check(self) -> None:
        """Raise `OverloadedError` where nothing is taken any more."""
        if self._refusal:
            raise OverloadedError(self._refusal, retry_after_s=ASK_AGAIN_S)

    def lose(self, reason: str) -> None:
        """The device is gone: fail what waits, and refuse what comes."""
        with self._lock:
            if not self._trouble:
                logger.critical("the device is lost: %s", reason)
            self._trouble = "the device is lost"
            self._refusal = self._trouble
            self._fail_all()

    def status(self) -> QueueStatus:
        """What waits and runs now."""
        with self._lock:
            stalled = self._running.stalled(self._clock())
            stall = f"{stalled} of {len(self._running)} batches hang"
            return QueueStatus(
                queued_texts=self._queue.texts,
                queued_tokens=self._queue.tokens,
                busy_streams=len(self._running),
                tally=replace(self._tally),
                trouble=self._trouble or (stall if stalled else ""),
                is_lost=bool(self._trouble) or stalled >= self._streams,
            )

    def close(self, *, drain_s: float) -> None:
        """Refuse new work, wait for what is queued, fail the rest; safe to repeat."""
        ends_at = time.monotonic() + drain_s
        with self._lock:
            self._refusal = self._refusal or "the server is shutting down"
            self._ticket_left.wait_for(lambda: not self._tickets, timeout=drain_s)
            self._fail_all()
            self._is_closed = True
            self._work_came.notify_all()
        for thread in self._threads:
            # What runs cannot be stopped; a last moment lets idle threads end.
            thread.join(max(LAST_MOMENT_S, ends_at - time.monotonic()))

    def _fail_all(self) -> None:
        for ticket in self._tickets:
            self._queue.remove(ticket)
            ticket.fail(OverloadedError(self._refusal, retry_after_s=ASK_AGAIN_S))

    def _admit(self, ticket: Ticket) -> Batch | None:
        """All of a request or nothing; a batch where the caller may run it itself."""
        with self._lock:
            self.check()
            self._check_room(ticket)
            is_short = ticket.queued_tokens <= SMALLEST_BATCH
            if is_short and not self._queue.texts and not self._running:
                self._tickets.add(ticket)
                self._begin(batch := self._queue.pass_by(ticket))
                return batch
            self._threads = [one for one in self._threads if one.is_alive()]
            while len(self._threads) < self._streams:
                name = f"stream-{len(self._threads)}"
                thread = threading.Thread(target=self._work, name=name, daemon=True)
                thread.start()
                self._threads.append(thread)
            self._tickets.add(ticket)
            self._queue.add(ticket)
            self._work_came.notify()
            return None

    def _check_room(self, ticket: Ticket) -> None:
        """Refuse what exceeds a bound, unless it comes alone."""
        tokens, waiting = ticket.queued_tokens, self._queue.tokens
        if waiting and waiting + tokens > self._queue_tokens:
            wait_s = self._wait_s(waiting)
            raise OverloadedError("the server is busy", retry_after_s=wait_s)
        own = self._queue.tokens_of(ticket.tenant)
        if own and own + tokens > TENANT_SHARE * self._queue_tokens:
            wait_s = self._wait_s(own)
            message = "too many texts of this tenant wait"
            raise TenantOverloadedError(message, retry_after_s=wait_s)

    def _wait_s(self, tokens: int) -> float:
        speed = self._tally.tokens_per_s * self._streams
        return min(60.0, max(1.0, math.ceil(tokens / speed)))

    def _work(self) -> None:
        while not self._is_closed:
            try:
                batch = self._await_batch()
                if batch is not None:
                    self._run(batch)
            # The thread outlives any bug.
            except BaseException:
                logger.exception("a stream failed outside of a batch")
                with self._lock:
                    self._work_came.wait(REST_S)

    def _await_batch(self) -> Batch | None:
        """The next batch, once there is one; None when closed."""
        with self._lock:
            while not self._is_closed:
                if self._queue.texts and len(self._running) < self._streams:
                    self._begin(batch := self._next())
                    if self._queue.texts:
                        self._work_came.notify()
                    return batch
                self._work_came.wait()
        return None

    def _begin(self, batch: Batch) -> None:
        patience_s = self._tally.patience_s(batch.padded_tokens)
        self._running.begin(self._clock(), patience_s=patience_s)

    def _next(self) -> Batch:
        """The next batch: a share of what waits, and quick where tenants share."""
        idle = max(1, self._streams - len(self._running))
        share = max(SMALLEST_BATCH, math.ceil(self._queue.tokens / idle))
        budget, now = min(self._budget.tokens, share), self._clock()
        if self._queue.is_shared(now):
            budget = min(budget, max(SMALLEST_BATCH, self._tally.quick_tokens))
        return self._queue.take(budget=budget, now=now)

    def _run(self, batch: Batch) -> None:
        """Run a batch; nobody waits in vain for it, whatever happens."""
        try:
            # Those who asked may all have gone, and the model with them.
            if self._pool.hold(batch.resident):
                try:
                    self._attempts.run(batch.resident.model, batch.items)
                finally:
                    self._pool.release(batch.resident)
        except DeviceLostError as loss:
            self.lose(str(loss))
        except BaseException as bug:
            logger.exception("a batch failed outside the model")
            error = ForwardError("the server failed on a text")
            self._deliver(Outcome(items=batch.items, error=error))
            if isinstance(bug, KeyboardInterrupt):
                raise
        finally:
            with self._lock:
                self._tally.ran(
                    tokens=batch.tokens,
                    padded_tokens=batch.padded_tokens,
                    seconds=self._running.end(self._clock()),
                )
                if self._queue.texts:
                    self._work_came.notify()

    def _deliver(self, outcome: Outcome) -> None:
        with self._lock:
            if outcome.error is not None:
                self._tally.failed += len(outcome.items)
                self._tally.mismatched += outcome.is_mismatch
                for item in outcome.items:
                    self._queue.remove(item.ticket)
                    item.ticket.fail(outcome.error)
                return
            self._budget.succeed()
            for item, vector in zip(outcome.items, outcome.vectors, strict=True):
                self._tally.texts += 1
                self._tally.tokens += item.length
                if not item.ticket.done.is_set():
                    item.ticket.put(item.index, vector)

    def _shrink(self, items: Sequence[Item]) -> None:
        with self._lock:
            self._tally.out_of_memory += 1
            longest = max(item.length for item in items)
            self._budget.shrink(longest=longest, rows=len(items))
