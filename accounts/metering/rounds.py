"""Rounds: one transaction each for all requests that wait, and its fate known."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from django.db import IntegrityError, NotSupportedError
from psycopg.errors import DivisionByZero

from accounts import partitions
from accounts.errors import UnavailableError
from accounts.metering import books, direct, incarnations, ledger
from accounts.metering.claims import Claims
from accounts.metering.entries import Admit, Entry, Settle, TakeBack, ask_of
from accounts.metering.judgement import Account, Judgement, MissingAccountsError
from accounts.metering.outcomes import Outcomes
from accounts.metering.script import Script, prepare_anew, roll_back
from accounts.metering.usage import Usage

#: Round trips to make what is missing, before it is an error.
ATTEMPTS = 4


class FencedError(Exception):
    """This process was declared dead, or its last round was lost with the server."""


class Rounds:
    """The transactions of one process, in turn; to be used by one thread.

    A round takes a number from the process's incarnation. After a lost connection
    `recover` finds out by that number whether the last one was committed, so that
    nothing is counted twice or not at all.
    """

    def __init__(self) -> None:
        self._incarnation: UUID | None = None
        self._number = 0
        self._held: dict[int, int] = {}
        # What follows if the last round, whose fate is unknown, took place.
        self._in_doubt: Callable[[], Outcomes] | None = None
        # Tenants whose requests the database cannot let in alone.
        self._judged: set[int] = set()

    @property
    def is_alive(self) -> bool:
        """Whether there is an incarnation whose heart has to beat."""
        return self._incarnation is not None

    def run(self, entries: Sequence[Entry]) -> Outcomes:
        """Decide, write and commit; raises Django's errors, after which `recover`."""
        for _ in range(ATTEMPTS):
            try:
                return self._run(entries)
            except FencedError:
                self._begin_anew()
            except MissingAccountsError:
                _make_accounts(entries)
            except NotSupportedError:
                # A migration has altered a column; no statement of it was run.
                self._in_doubt = None
                prepare_anew()
            except IntegrityError as error:
                self._in_doubt = None
                if not ledger.is_missing_month(error):
                    raise
                for entry in entries:
                    if isinstance(entry, Settle | TakeBack):
                        partitions.ensure_month(entry.reservation.ask.occurred_at)
        raise UnavailableError

    def recover(self) -> Outcomes | None:
        """The outcomes of the last round if its commit was in doubt and took place."""
        if self._in_doubt is None or self._incarnation is None:
            return None
        number = self._number + 1
        last = incarnations.leave_out(self._incarnation, number)
        if last != number:
            self._number = max(self._number, last)
            self._in_doubt = None
            return None
        script = Script()
        incarnations.flush(script, self._incarnation)
        script.run()
        return self._committed(self._in_doubt())

    def beat(self) -> None:
        """Tell that this process lives."""
        self.run([])

    def end(self) -> None:
        """End the incarnation and give back what is still held."""
        if self._incarnation is not None:
            incarnations.end(self._incarnation)
            self._incarnation = None

    def _run(self, entries: Sequence[Entry]) -> Outcomes:
        incarnation = self._incarnation or self._begin_anew()
        now, tenants = datetime.now(UTC), {ask_of(one).tenant_id for one in entries}
        trip = direct.trip_of(
            entries,
            incarnation=incarnation,
            held=self._held,
            now=now,
            without=self._judged,
        )
        if trip is not None:
            outcomes = self._run_directly(trip, incarnation)
            if outcomes is not None:
                return outcomes
            self._judged |= tenants
        outcomes = self._run_judged(entries, incarnation)
        if entries and not outcomes.refusals:
            self._judged -= tenants
        return outcomes

    def _run_directly(self, trip: direct.Trip, incarnation: UUID) -> Outcomes | None:
        """One trip; None where nothing was done, and the round has to be judged."""
        script = Script()
        script.begin()
        incarnations.raise_round(script, incarnation, self._number + 1, or_fail=True)
        trip.add_to(script)
        script.commit()
        if trip.is_durable:
            incarnations.flush(script, incarnation)
        self._in_doubt = trip.recall
        try:
            rows = script.run()
        except BaseException as error:
            roll_back()
            if isinstance(error.__cause__, DivisionByZero):
                self._in_doubt = None
                return None
            raise
        # Those of the beginning and the fence are the first.
        return self._committed(trip.outcomes(rows[2:]))

    def _run_judged(self, entries: Sequence[Entry], incarnation: UUID) -> Outcomes:
        try:
            outcomes, changed = self._decide(entries, incarnation)
            script = Script()
            if changed:
                books.write_accounts(script, changed, incarnation=incarnation)
                outcomes.held = {account.id: account.held for account in changed}
            _write(script, outcomes)
            script.commit()
            if outcomes.usages or outcomes.corrections:
                incarnations.flush(script, incarnation)
            self._in_doubt = lambda: outcomes
            script.run()
        except BaseException:
            roll_back()
            raise
        return self._committed(outcomes)

    def _decide(
        self, entries: Sequence[Entry], incarnation: UUID
    ) -> tuple[Outcomes, list[Account]]:
        """Lock and judge, what is given back first; the decisions, and what changed."""
        asks, now = [ask_of(entry) for entry in entries], datetime.now(UTC)
        script = Script()
        script.begin()
        incarnations.raise_round(script, incarnation, self._number + 1)
        # Before the accounts are locked: others wait for those.
        if certain := _certain(entries, incarnation):
            ledger.record(certain, script=script)
        books.lock_accounts(script, _taken(entries), asks, now=now)
        has_keys = Claims.find(script, asks)
        _, fence, *found = script.run()
        keys = found.pop() if has_keys else []
        if not fence:
            raise FencedError
        accounts = books.accounts_of(found[-1], held=self._held)
        before = {one.id: (one.used, one.held) for one in accounts}
        judgement = Judgement(accounts, incarnation=incarnation, now=now)
        claims = Claims(keys, incarnation=incarnation, now=now)
        outcomes = Outcomes(entries, claims, written=certain)
        for entry in sorted(entries, key=lambda entry: isinstance(entry, Admit)):
            outcomes.decide(entry, judgement)
        return outcomes, [
            one for one in accounts if before[one.id] != (one.used, one.held)
        ]

    def _committed(self, outcomes: Outcomes) -> Outcomes:
        self._number += 1
        self._in_doubt = None
        self._held |= outcomes.held
        self._held = {key: amount for key, amount in self._held.items() if amount}
        return outcomes

    def _begin_anew(self) -> UUID:
        """Leave a life that is over; what it holds is void, and taken anew when due."""
        self.end()
        self._incarnation = incarnations.begin()
        self._number, self._held, self._in_doubt = 0, {}, None
        return self._incarnation


def _taken(entries: Sequence[Entry]) -> set[int]:
    """The accounts that reservations were made of."""
    return {
        account_id
        for entry in entries
        if not isinstance(entry, Admit)
        for account_id, *_ in entry.reservation.taken
    }


def _certain(entries: Sequence[Entry], incarnation: UUID) -> list[Usage]:
    """Usages that are written whatever the accounts say: all is reserved for them."""
    return [
        entry.usage
        for entry in entries
        if isinstance(entry, Settle)
        and entry.usage is not None
        and entry.reservation.incarnation == incarnation
        and entry.reservation.ask.claim is None
    ]


def _write(script: Script, outcomes: Outcomes) -> None:
    if usages := outcomes.unwritten:
        ledger.record(usages, script=script)
    if outcomes.corrections:
        ledger.correct(outcomes.corrections, script=script)
    if outcomes.refusals:
        ledger.note_refusals(outcomes.refusals, script=script)
    outcomes.claims.write(script)


def _make_accounts(entries: Sequence[Entry]) -> None:
    """Make the accounts of all periods that requests fall into."""
    moments: dict[datetime, set[int]] = {}
    for entry in entries:
        ask = ask_of(entry)
        minute = ask.occurred_at.replace(second=0, microsecond=0)
        moments.setdefault(minute, set()).add(ask.tenant_id)
    for moment, tenant_ids in moments.items():
        books.make_accounts(tenant_ids, moment)
