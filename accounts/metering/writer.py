"""The writer: rounds for all who wait, through lost connections and locked rows."""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import date

from django.db import InterfaceError, InternalError, OperationalError, connection
from django.utils import timezone
from psycopg.errors import DeadlockDetected, LockNotAvailable, QueryCanceled

from accounts.errors import UnavailableError
from accounts.metering import incarnations, ledger
from accounts.metering.entries import Admit, Entry, Settle, TakeBack, ask_of
from accounts.metering.rounds import Rounds

logger = logging.getLogger(__name__)

#: The database is away, starting, read-only, full or too slow: it may yet come right.
PASSING_ERRORS = (OperationalError, InterfaceError, InternalError)

#: Somebody holds a row, or waited for what this process holds: it may be tried again.
BLOCKED = (LockNotAvailable, QueryCanceled, DeadlockDetected)

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 0.5

#: An idle process tells so often that it lives, and looks for the dead.
BEAT_S = 5.0

#: A row that is locked for longer is somebody's alone: the others' requests go first.
LOCK_S = 0.5

#: A process that is frozen between two trips may stop its tenants for so long.
FROZEN_S = 2.0

#: What is left at the end is tried for so long.
CLOSING_S = 8.0

#: A connection that was lost unnoticed is found out by the first attempt.
ATTEMPTS = 2

PREPARE_SESSION = """
SELECT set_config('application_name', 'metering', false),
       set_config('synchronous_commit', 'on', false),
       set_config('plan_cache_mode', 'force_generic_plan', false),
       set_config('statement_timeout', %(timeout)s, false),
       set_config('lock_timeout', %(lock_timeout)s, false),
       set_config('idle_in_transaction_session_timeout', %(idle_timeout)s, false),
       set_config('tcp_keepalives_idle', '10', false),
       set_config('tcp_keepalives_interval', '5', false),
       set_config('tcp_keepalives_count', '3', false)
"""


class Writer:
    """Serves batches of entries on a connection of its own; used by one thread.

    No statement outlasts `timeout_s`. Entries whose rows somebody holds are handed to
    `put_back`, to be served after others.
    """

    def __init__(
        self, *, timeout_s: float, put_back: Callable[[Sequence[Entry]], None]
    ) -> None:
        self._timeout_s = timeout_s
        self._put_back = put_back
        self._closes_at = float("inf")
        self._rounds = Rounds()
        self._beaten_at = time.monotonic()
        self._used_on: date | None = None
        self._used: set[int] = set()

    def close_soon(self) -> None:
        """Try no longer than for a while what cannot be written."""
        self._closes_at = time.monotonic() + CLOSING_S

    def serve(self, entries: Sequence[Entry]) -> None:
        """Serve a batch, and then what it left to be undone, until all is known.

        Who waits gives up in time; what they leave behind stays to be done.
        """
        pause_s = 0.0
        trouble: Exception | None = None
        while True:
            try:
                self._connect()
                outcomes = self._rounds.recover()
                if outcomes is None:
                    entries = _wanted(entries)
                    if not entries:
                        return
                    if trouble is not None:
                        break
                    outcomes = self._rounds.run(entries)
                rest = [entry for entry in entries if entry not in outcomes.entries]
                entries, trouble = rest + outcomes.announce(), None
            except PASSING_ERRORS as error:
                if time.monotonic() > self._closes_at:
                    _give_up(entries)
                    return
                if isinstance(error.__cause__, BLOCKED):
                    trouble = error
                    continue
                # Whether it was committed may be unknown; that is asked first.
                logger.warning("Usage cannot be written now: %s", error)
                self.disconnect()
                time.sleep(pause_s)
                pause_s = min(LONGEST_PAUSE_S, pause_s * 2 or FIRST_PAUSE_S)
            except Exception as error:  # noqa: BLE001 - whatever it is, one is at fault
                trouble = error
        if isinstance(trouble.__cause__, BLOCKED):
            self._serve_apart(entries)
        else:
            self._isolate(entries, trouble)

    def _serve_apart(self, entries: Sequence[Entry]) -> None:
        """Serve tenants one by one, and let one that is locked wait behind the rest."""
        by_tenant: dict[int, list[Entry]] = {}
        for entry in entries:
            by_tenant.setdefault(ask_of(entry).tenant_id, []).append(entry)
        if len(by_tenant) > 1:
            for group in by_tenant.values():
                self.serve(group)
        else:
            self._put_back(entries)

    def _isolate(self, entries: Sequence[Entry], error: Exception) -> None:
        """Halve a batch that cannot be written, so that only the bad entry fails."""
        if len(entries) > 1:
            middle = len(entries) // 2
            self.serve(entries[:middle])
            self.serve(entries[middle:])
            return
        for entry in entries:
            logger.error("A request cannot be metered: %r", error, exc_info=error)
            if not isinstance(entry, TakeBack) and entry.ticket is not None:
                entry.ticket.fail(UnavailableError())
            self.serve(_instead_of(entry))

    def beat(self) -> None:
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
                self.disconnect()

    def note_use(self, entries: Sequence[Entry]) -> None:
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
                self.disconnect()

    def end(self) -> None:
        """Give back what is held; else the reaper of another process will."""
        for _ in range(ATTEMPTS):
            try:
                self._connect()
                self._rounds.end()
                break
            except PASSING_ERRORS as error:
                logger.warning("The end of metering cannot be written: %s", error)
                self.disconnect()
        self.disconnect()

    def _connect(self) -> None:
        """Open the thread's connection if need be; it outlasts no statement's bound."""
        if connection.connection is not None:
            return
        bounds = {
            "timeout": _ms(0.8 * self._timeout_s),
            "lock_timeout": _ms(min(LOCK_S, 0.8 * self._timeout_s)),
            "idle_timeout": _ms(FROZEN_S),
        }
        with connection.cursor() as cursor:
            cursor.execute(PREPARE_SESSION, bounds)

    def disconnect(self) -> None:
        """Give the connection up; the next use opens another."""
        try:
            connection.close()
        except Exception:
            logger.exception("The metering connection did not close.")
            connection.connection = None


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}"


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
