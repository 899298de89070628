"""The metering thread: one writer per process, and a commit for all who wait."""

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from datetime import date

from django.db import (
    DatabaseError,
    InterfaceError,
    InternalError,
    OperationalError,
    connection,
)
from django.utils import timezone

from accounts.errors import UnavailableError
from accounts.metering import ledger
from accounts.metering.ticket import Ticket
from accounts.metering.usage import Usage

logger = logging.getLogger(__name__)

#: The database is away, starting, read-only, full or too slow: it may yet come right.
PASSING_ERRORS = (OperationalError, InterfaceError, InternalError)

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 0.5

PREPARE_SESSION = """
SELECT set_config('application_name', 'metering', false),
       set_config('synchronous_commit', 'on', false),
       set_config('statement_timeout', %(timeout)s, false),
       set_config('lock_timeout', %(timeout)s, false)
"""


class Meter:
    """Settles usage events in a thread of its own, on a connection of its own.

    Whoever waits when a commit ends is in the next. `timeout_s` bounds a settlement;
    an event that was given up and turns out to be written is taken back, so that no
    answer is billed that was withheld. No error ends the thread.
    """

    def __init__(
        self, *, timeout_s: float = 5.0, max_batch: int = 500, max_waiting: int = 10_000
    ) -> None:
        self._timeout_s = timeout_s
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._wake = threading.Condition()
        self._queue: deque[Ticket] = deque()
        # Changed by the thread alone.
        self._withheld: list[Usage] = []
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._used_on: date | None = None
        self._used: set[int] = set()

    def settle(self, usage: Usage) -> None:
        """Return when the event is durable; raise `UnavailableError` if it is not."""
        ticket = Ticket(usage)
        with self._wake:
            is_full = len(self._queue) + len(self._withheld) >= self._max_waiting
            if is_full or self._is_closed:
                raise UnavailableError
            self._queue.append(ticket)
            if self._thread is None:
                self._start()
            self._wake.notify()
        try:
            ticket.wait(self._timeout_s)
        except TimeoutError as error:
            raise UnavailableError from error

    def close(self) -> None:
        """Refuse what comes now, finish what was handed over, and end the thread."""
        with self._wake:
            self._is_closed = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(timeout=2 * self._timeout_s)

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="metering", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        """The thread's life."""
        while (tickets := self._next()) is not None:
            self._serve(tickets)
        self._serve([])
        self._disconnect()
        if self._withheld:
            logger.error(
                "Ended with %d withheld answers that may be billed: %s",
                len(self._withheld),
                [str(usage.event_id) for usage in self._withheld],
            )

    def _serve(self, tickets: list[Ticket]) -> None:
        """Let those who wait go first; then what nobody waits for. Never raises."""
        try:
            self._write(tickets)
            self._void_withheld()
            self._note_use(tickets)
        except Exception:
            logger.exception("Metering failed unexpectedly; it goes on.")
            self._disconnect()

    def _next(self) -> list[Ticket] | None:
        """Take all who wait, up to a batch; None when closed and done.

        Empty when nobody came for a while and withheld answers are to be tried again.
        """
        with self._wake:
            self._wake.wait_for(
                lambda: self._queue or self._is_closed,
                timeout=LONGEST_PAUSE_S if self._withheld else None,
            )
            if self._is_closed and not self._queue:
                return None
            count = min(len(self._queue), self._max_batch)
            return [self._queue.popleft() for _ in range(count)]

    def _write(self, tickets: Sequence[Ticket]) -> None:
        """Write a batch until it is durable, or until nobody waits for it any more."""
        pause_s = 0.0
        while waiting := self._still_waiting(tickets):
            try:
                self._connect()
                ledger.record([ticket.usage for ticket in waiting])
            except PASSING_ERRORS as error:
                # Whether it was committed may be unknown. The ids stay the same, so
                # that writing again is safe.
                logger.warning("Usage cannot be written now: %s", error)
                self._disconnect()
                time.sleep(pause_s)
                pause_s = min(LONGEST_PAUSE_S, pause_s * 2 or FIRST_PAUSE_S)
                tickets = waiting
            except DatabaseError as error:
                self._isolate(waiting, error)
                return
            except Exception:
                logger.exception("Usage was not written; its answers are withheld.")
                self._fail(waiting)
                return
            else:
                self._withheld += [t.usage for t in waiting if not t.resolve()]
                return

    def _still_waiting(self, tickets: Sequence[Ticket]) -> list[Ticket]:
        """Those not given up; the others must bill nothing."""
        waiting = []
        for ticket in tickets:
            if ticket.is_abandoned:
                self._withheld.append(ticket.usage)
            else:
                waiting.append(ticket)
        return waiting

    def _isolate(self, tickets: list[Ticket], error: Exception) -> None:
        """Halve a batch that the database refuses, so that only the bad event fails."""
        if len(tickets) > 1:
            middle = len(tickets) // 2
            self._write(tickets[:middle])
            self._write(tickets[middle:])
        else:
            logger.error("The ledger refuses a usage event.", exc_info=error)
            tickets[0].resolve(UnavailableError())

    def _fail(self, tickets: Sequence[Ticket]) -> None:
        """Withhold the answers of events that may be written or not."""
        for ticket in tickets:
            ticket.resolve(UnavailableError())
            self._withheld.append(ticket.usage)

    def _void_withheld(self) -> None:
        """Take back what was written for nobody; tried again later if it fails."""
        while usages := self._withheld[: self._max_batch]:
            try:
                self._connect()
                self._void(usages)
            except PASSING_ERRORS:
                self._disconnect()
                return
            del self._withheld[: len(usages)]

    def _void(self, usages: Sequence[Usage]) -> None:
        """Void all at once, or one by one where the ledger refuses some."""
        try:
            ledger.void(usages)
        except PASSING_ERRORS:
            raise
        except DatabaseError:
            if len(usages) > 1:
                for usage in usages:
                    self._void([usage])
            else:
                logger.exception("The ledger refuses a withheld event.")

    def _note_use(self, tickets: Sequence[Ticket]) -> None:
        """Set the keys' day of last use, once a day each; nobody waits for it."""
        today = timezone.now().date()
        if today != self._used_on:
            self._used_on, self._used = today, set()
        if fresh := {ticket.usage.api_key_id for ticket in tickets} - self._used:
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
