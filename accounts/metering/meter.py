"""Metering's desk: requests hand in what they want, and wait for the writer's word."""

import contextlib
import logging
import threading
from collections import deque
from typing import TypeVar

from accounts.errors import UnavailableError
from accounts.metering import writer as writing
from accounts.metering.entries import Admit, Ask, Entry, Reservation, Settle, TakeBack
from accounts.metering.ticket import Ticket
from accounts.metering.usage import Usage
from accounts.metering.writer import Writer
from accounts.quotas import Standing

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Meter:
    """Admits and settles requests in a thread of its own, on a connection of its own.

    Whoever waits when a commit ends is in the next. `timeout_s` bounds each wait; what
    was given up and turns out to be written is taken back, so that no answer is billed
    that was withheld. No error ends the thread.
    """

    def __init__(
        self, *, timeout_s: float = 5.0, max_batch: int = 500, max_waiting: int = 10_000
    ) -> None:
        self._timeout_s = timeout_s
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._wake = threading.Condition()
        self._queue: deque[Entry] = deque()
        self._thread: threading.Thread | None = None
        self._is_closed = False
        # Used by the thread alone.
        self._writer = Writer(timeout_s=timeout_s, put_back=self._queue.extend)

    def admit(self, ask: Ask) -> Reservation:
        """Return what the request holds until it is settled, once.

        Raises `RateLimitedError`, `QuotaExceededError` or `UnavailableError`.
        """
        ticket = Ticket[Reservation]()
        if len(self._queue) >= self._max_waiting:
            raise UnavailableError
        return self._wait(Admit(ask, ticket), ticket)

    def settle(self, reservation: Reservation, usage: Usage) -> tuple[Standing, ...]:
        """Return how quotas stand when the event is durable.

        Raises `UnavailableError` if it is not, and ValueError for more than was held.
        """
        if not reservation.ask.amounts.covers(usage.amounts):
            raise ValueError("more was used than was admitted")
        ticket = Ticket[tuple[Standing, ...]]()
        return self._wait(Settle(reservation, usage, ticket), ticket)

    def release(self, reservation: Reservation) -> None:
        """Give everything back, without an event and without waiting."""
        self._enqueue(Settle(reservation, None))

    def close(self) -> None:
        """Refuse what comes now, finish what was handed over, and end the thread."""
        with self._wake:
            self._is_closed = True
            self._writer.close_soon()
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(timeout=2 * writing.CLOSING_S)

    def _wait(self, entry: Entry, ticket: Ticket[T]) -> T:
        if not self._enqueue(entry):
            raise UnavailableError
        try:
            is_answered = ticket.wait(self._timeout_s)
        except BaseException:
            # A signal's handler, say. Nobody will use the answer.
            if not ticket.abandon():
                self._undo(entry, ticket)
            raise
        if not is_answered:
            raise UnavailableError
        return ticket.result()

    def _undo(self, entry: Entry, ticket: Ticket[T]) -> None:
        """Undo what was done for somebody who had to leave; an error needs nothing."""
        with contextlib.suppress(Exception):
            answer = ticket.result()
            if isinstance(answer, Reservation):
                self.release(answer)
            elif isinstance(entry, Settle) and entry.usage is not None:
                self._enqueue(TakeBack(entry.reservation, entry.usage))

    def _enqueue(self, entry: Entry) -> bool:
        """Hand an entry to the thread; False: it has ended."""
        with self._wake:
            if self._is_closed:
                return False
            if self._thread is None:
                thread = threading.Thread(
                    target=self._run, name="metering", daemon=True
                )
                thread.start()
                self._thread = thread
            self._queue.append(entry)
            self._wake.notify()
        return True

    def _run(self) -> None:
        """The thread's life."""
        while (entries := self._next()) is not None:
            try:
                self._writer.serve(entries)
                self._writer.beat()
                self._writer.note_use(entries)
            except Exception:
                logger.exception("Metering failed unexpectedly; it goes on.")
                self._writer.disconnect()
        self._writer.end()

    def _next(self) -> list[Entry] | None:
        """Take all who wait, up to a batch; None when closed and done.

        Empty when nobody came for a while.
        """
        with self._wake:
            self._wake.wait_for(
                lambda: self._queue or self._is_closed, timeout=writing.BEAT_S
            )
            if self._is_closed and not self._queue:
                return None
            count = min(len(self._queue), self._max_batch)
            return [self._queue.popleft() for _ in range(count)]
