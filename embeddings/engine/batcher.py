"""Runs waiting texts in batches on a few threads; one failing text fails alone."""

import logging
import math
import threading
import time
from collections.abc import Sequence

from embeddings.engine.errors import EngineError, ForwardError, OverloadedError
from embeddings.engine.fair_queue import Batch, FairQueue, Item, Ticket
from embeddings.engine.families.base import Model
from embeddings.engine.pool import ModelPool
from embeddings.engine.resident import Resident
from embeddings.engine.spec import Call, TokenRow, Vector
from embeddings.engine.vectors import is_finite
from embeddings.engine.waiting import wait

logger = logging.getLogger(__name__)

#: Padded tokens below which splitting work between streams gains nothing.
SMALLEST_BATCH = 128
#: After running out of memory, the budget grows by a tenth per so many good batches.
REGROW_AFTER = 100
#: Tokens per second that one stream is taken to make before the first batch is timed.
FIRST_SPEED = 1000.0
#: For threads to end once there is nothing left to wait for.
LAST_MOMENT_S = 0.2


class Batcher:
    """A bounded queue and its streams: threads that each run one batch at a time.

    The lock is never held while a model runs. Batches form while others run, without
    any delay of their own.
    """

    def __init__(
        self, pool: ModelPool, *, streams: int, batch_tokens: int, queue_tokens: int
    ) -> None:
        self._pool = pool
        self._streams = streams
        self._batch_tokens = batch_tokens
        self._queue_tokens = queue_tokens
        self._changed = threading.Condition()
        self._queue = FairQueue()
        self._tickets: set[Ticket] = set()
        self._threads: list[threading.Thread] = []
        self._busy = 0
        self._budget = batch_tokens
        self._good = 0
        self._speed = FIRST_SPEED
        self._is_closing = False
        self._is_closed = False

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
            resident=resident, tenant=call.tenant, weight=call.weight, rows=rows
        )
        self._admit(ticket)
        try:
            wait(ticket.done, call, what="embedding")
        finally:
            with self._changed:
                self._queue.remove(ticket)
                self._tickets.discard(ticket)
                # Rows that are running now find nobody to tell.
                ticket.done.set()
                if self._is_closing:
                    self._changed.notify_all()
        if ticket.error is not None:
            raise ticket.error
        return [vector for vector in ticket.vectors if vector is not None]

    def close(self, *, drain_s: float) -> None:
        """Refuse new work, wait for what is queued, fail the rest; safe to repeat."""
        ends_at = time.monotonic() + drain_s
        with self._changed:
            self._is_closing = True
            self._changed.wait_for(lambda: not self._tickets, timeout=drain_s)
            for ticket in list(self._tickets):
                self._queue.remove(ticket)
                ticket.fail(_closing_error())
            self._is_closed = True
            self._changed.notify_all()
        for thread in self._threads:
            # What runs cannot be stopped; a last moment lets idle threads end.
            thread.join(max(LAST_MOMENT_S, ends_at - time.monotonic()))

    def _admit(self, ticket: Ticket) -> None:
        """All of a request or nothing; one that exceeds the bound may come alone."""
        with self._changed:
            if self._is_closing:
                raise _closing_error()
            waiting = self._queue.tokens
            if waiting and waiting + ticket.queued_tokens > self._queue_tokens:
                raise OverloadedError(
                    "the server is busy",
                    retry_after_s=self._retry_after_s(waiting),
                )
            self._queue.add(ticket)
            self._tickets.add(ticket)
            while len(self._threads) < self._streams:
                name = f"stream-{len(self._threads)}"
                thread = threading.Thread(target=self._work, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()
            self._changed.notify_all()

    def _retry_after_s(self, waiting: int) -> float:
        return min(60.0, max(1.0, math.ceil(waiting / (self._speed * self._streams))))

    def _work(self) -> None:
        while (batch := self._await_batch()) is not None:
            try:
                self._run(batch)
            # The thread outlives any bug, and nobody waits in vain for a batch.
            except BaseException:
                logger.exception("a batch failed outside the model")
                self._fail(batch.items, ForwardError("the server failed on a text"))
            finally:
                with self._changed:
                    self._busy -= 1

    def _await_batch(self) -> Batch | None:
        """The next batch, once there is one; None when closed."""
        with self._changed:
            while (batch := self._next()) is None:
                if self._is_closed:
                    return None
                self._changed.wait()
            self._busy += 1
            return batch

    def _next(self) -> Batch | None:
        """The next batch: a fair share of what waits, so that idle streams get some."""
        idle = max(1, self._streams - self._busy)
        share = max(SMALLEST_BATCH, math.ceil(self._queue.tokens / idle))
        return self._queue.take(budget=min(self._budget, share))

    def _run(self, batch: Batch) -> None:
        # Those who asked may all have gone, and the model with them.
        if not self._pool.hold(batch.resident):
            return
        try:
            started = time.perf_counter()
            self._embed(batch.resident.model, batch.items)
            speed = batch.tokens / max(1e-6, time.perf_counter() - started)
        finally:
            self._pool.release(batch.resident)
        with self._changed:
            self._speed += 0.1 * (speed - self._speed)

    def _embed(self, model: Model, items: Sequence[Item]) -> None:
        items = [item for item in items if not item.ticket.done.is_set()]
        if not items:
            return
        vectors, is_out_of_memory = self._forward(model, items)
        # Retries come after the error's frames are gone: they pin the batch's memory.
        if vectors is None:
            if is_out_of_memory:
                self._shrink(items)
            if len(items) == 1:
                self._fail(items, _single_error(items[0].index, is_out_of_memory))
                return
            half = len(items) // 2
            self._embed(model, items[:half])
            self._embed(model, items[half:])
            return
        for item in self._deliver(items, vectors):
            if len(items) > 1:
                self._embed(model, [item])
            else:
                message = f"the vector of input {item.index} is not finite"
                self._fail([item], ForwardError(message))

    def _forward(
        self, model: Model, items: Sequence[Item]
    ) -> tuple[Sequence[Vector] | None, bool]:
        """Vectors, or None and whether it was for lack of memory."""
        try:
            return model.embed([item.row for item in items]), False
        # Whatever the model raised, a smaller batch may do better.
        except BaseException as error:
            is_single = len(items) == 1
            logger.warning("a batch of %d failed", len(items), exc_info=is_single)
            return None, model.is_out_of_memory(error)

    def _deliver(self, items: Sequence[Item], vectors: Sequence[Vector]) -> list[Item]:
        """Hand out the finite vectors; the texts of the others."""
        are_finite = [is_finite(vector) for vector in vectors]
        bad = []
        with self._changed:
            for item, vector, is_good in zip(items, vectors, are_finite, strict=True):
                if not is_good:
                    bad.append(item)
                elif not item.ticket.done.is_set():
                    item.ticket.put(item.index, vector)
            self._good += 1
            if self._budget < self._batch_tokens and self._good >= REGROW_AFTER:
                self._good = 0
                self._budget = min(self._batch_tokens, self._budget * 11 // 10 + 1)
        return bad

    def _shrink(self, items: Sequence[Item]) -> None:
        longest = max(len(item.row.ids) for item in items)
        with self._changed:
            self._good = 0
            self._budget = max(longest, min(self._budget, longest * len(items)) // 2)

    def _fail(self, items: Sequence[Item], error: EngineError) -> None:
        with self._changed:
            for item in items:
                self._queue.remove(item.ticket)
                item.ticket.fail(error)


def _single_error(index: int, is_out_of_memory: bool) -> EngineError:  # noqa: FBT001
    if is_out_of_memory:
        return OverloadedError(f"no memory for input {index} now", retry_after_s=5.0)
    return ForwardError(f"the model failed on input {index}")


def _closing_error() -> OverloadedError:
    return OverloadedError("the server is shutting down", retry_after_s=5.0)
