"""The metering thread: one writer per process, and a commit for all who wait."""

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from datetime import date
from typing import TypeVar

from django.db import InterfaceError, InternalError, OperationalError, connection
from django.utils import timezone

from accounts.errors import UnavailableError
from accounts.metering import incarnations, ledger
from accounts.metering.entries import Admit, Ask, Entry, Reservation, Settle, TakeBack
from accounts.metering.rounds import Rounds
from accounts.metering.ticket import Ticket
from accounts.metering.usage import Usage
from accounts.quotas import Standing

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: The database is away, starting, read-only, full or too slow: it may yet come right.
PASSING_ERRORS = (OperationalError, InterfaceError, InternalError)

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 0.5

#: An idle process tells so often that it lives, and looks for the dead.
BEAT_S = 5.0

#: What is left at the end is tried for so long.
CLOSING_S = 8.0

#: A connection that was lost unnoticed is found out by the first attempt.
ATTEMPTS = 2

PREPARE_SESSION = """
SELECT set_config('application_name', 'metering', false),
       set_config('synchronous_commit', 'on', false),
       set_config('statement_timeout', %(timeout)s, false),
       set_config('lock_timeout', %(timeout)s, false)
"""


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
        self._closes_at = float("inf")
        # The rest is used by the thread alone.
        self._rounds = Rounds()
        self._beaten_at = time.monotonic()
        self._used_on: date | None = None
        self._used: set[int] = set()

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
            self._closes_at = time.monotonic() + CLOSING_S
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(timeout=2 * CLOSING_S)

    def _wait(self, entry: Entry, ticket: Ticket[T]) -> T:
        if not self._enqueue(entry):
            raise UnavailableError
        try:
            return ticket.wait(self._timeout_s)
        except TimeoutError as error:
            raise UnavailableError from error

    def _enqueue(self, entry: Entry) -> bool:
        """Hand an entry to the thread; False: it has ended."""
        with self._wake:
            if self._is_closed:
                return False
            self._queue.append(entry)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="metering", daemon=True
                )
                self._thread.start()
            self._wake.notify()
        return True

    def _run(self) -> None:
        """The thread's life."""
        while (entries := self._next()) is not None:
            try:
                self._serve(entries)
                self._beat()
                self._note_use(entries)
            except Exception:
                logger.exception("Metering failed unexpectedly; it goes on.")
                self._disconnect()
        self._end()

    def _end(self) -> None:
        """Give back what is held; else the reaper of another process will."""
        for _ in range(ATTEMPTS):
            try:
                self._connect()
                self._rounds.end()
                break
            except PASSING_ERRORS as error:
                logger.warning("The end of metering cannot be written: %s", error)
                self._disconnect()
        self._disconnect()

    def _next(self) -> list[Entry] | None:
        """Take all who wait, up to a batch; None when closed and done.

        Empty when nobody came for a while.
        """
        with self._wake:
            self._wake.wait_for(lambda: self._queue or self._is_closed, timeout=BEAT_S)
            if self._is_closed and not self._queue:
                return None
            count = min(len(self._queue), self._max_batch)
            return [self._queue.popleft() for _ in range(count)]

    def _serve(self, entries: Sequence[Entry]) -> None:
        """Serve a batch, and then what it left to be undone, until all is known.

        Who waits gives up in time; what they leave behind stays to be done.
        """
        pause_s = 0.0
        while True:
            try:
                self._connect()
                outcomes = self._rounds.recover()
                if outcomes is None:
                    entries = _wanted(entries)
                    if not entries:
                        return
                    outcomes = self._rounds.run(entries)
                rest = [entry for entry in entries if entry not in outcomes.entries]
            except PASSING_ERRORS as error:
                # Whether it was committed may be unknown; that is asked first.
                logger.warning("Usage cannot be written now: %s", error)
                self._disconnect()
                if time.monotonic() > self._closes_at:
                    _give_up(entries)
                    return
                time.sleep(pause_s)
                pause_s = min(LONGEST_PAUSE_S, pause_s * 2 or FIRST_PAUSE_S)
            except Exception as error:  # noqa: BLE001 - whatever it is, one is at fault
                self._isolate(entries, error)
                return
            else:
                entries = rest + outcomes.announce()

    def _isolate(self, entries: Sequence[Entry], error: Exception) -> None:
        """Halve a batch that cannot be written, so that only the bad entry fails."""
        if len(entries) > 1:
            middle = len(entries) // 2
            self._serve(entries[:middle])
            self._serve(entries[middle:])
            return
        for entry in entries:
            logger.error("A request cannot be metered: %r", error, exc_info=error)
            if not isinstance(entry, TakeBack) and entry.ticket is not None:
                entry.ticket.fail(UnavailableError())
            self._serve(_instead_of(entry))

    def _beat(self) -> None:
        """Tell that this process lives, and end those that do not."""
        now = time.monotonic()
        if self._rounds.is_alive and now - self._beaten_at > BEAT_S:
            self._beaten_at = now
            try:
                self._connect()
                self._rounds.beat()
                incarnations.reap_neighbours()
                incarnations.reap()
            except PASSING_ERRORS as error:
                logger.warning("Metering cannot tell that it lives: %s", error)
                self._disconnect()

    def _note_use(self, entries: Sequence[Entry]) -> None:
        """Set the keys' day of last use, once a day each; nobody waits for it."""
        today = timezone.now().date()
        if today != self._used_on:
            self._used_on, self._used = today, set()
        keys = {
            entry.reservation.ask.api_key_id
            for entry in entries
            if isinstance(entry, Settle)
        }
        if fresh := keys - self._used:
            self._used |= fresh
            try:
                self._connect()
                ledger.note_use(fresh, on=today)
            except PASSING_ERRORS:
                self._used -= fresh
                self._disconnect()

    def _connect(self) -> None:
        """Open the thread's connection if need be; it outlasts no statement's bound."""
        if connection.connection is not None:
            return
        milliseconds = f"{self._timeout_s * 800:.0f}"
        with connection.cursor() as cursor:
            cursor.execute(PREPARE_SESSION, {"timeout": milliseconds})

    def _disconnect(self) -> None:
        try:
            connection.close()
        except Exception:
            logger.exception("The metering connection did not close.")
            connection.connection = None


def _wanted(entries: Sequence[Entry]) -> list[Entry]:
    """Without those who left before anything was written for them.

    What they reservation is given back, by an event that bills nothing.
    """
    wanted: list[Entry] = []
    for entry in entries:
        if isinstance(entry, TakeBack) or not _is_abandoned(entry):
            wanted.append(entry)
        else:
            wanted += _instead_of(entry)
    return wanted


def _is_abandoned(entry: Admit | Settle) -> bool:
    return entry.ticket is not None and entry.ticket.is_abandoned


def _instead_of(entry: Entry) -> list[Entry]:
    """What is written for an entry that cannot be: a failure, or nothing at all."""
    if not isinstance(entry, Settle) or entry.usage is None:
        return []
    is_first = entry.ticket is not None
    return [Settle(entry.reservation, entry.usage.undelivered() if is_first else None)]


def _give_up(entries: Sequence[Entry]) -> None:
    ids = [
        str(entry.usage.event_id)
        for entry in entries
        if not isinstance(entry, Admit) and entry.usage is not None
    ]
    logger.error("Ended without the database; these may be billed: %s", ids)
