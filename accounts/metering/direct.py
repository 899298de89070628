"""Rounds of one trip, where the database can judge alone.

A request that comes alone is taken from its accounts if all of them have room; what was
admitted here is settled by what it held. Everything else is judged between two trips.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from accounts.metering import books, incarnations, ledger
from accounts.metering.claims import Claims
from accounts.metering.entries import Admit, Entry, Reservation, Settle
from accounts.metering.judgement import Judgement
from accounts.metering.outcomes import Outcomes
from accounts.metering.script import Script
from accounts.quotas import Amounts, Quantity

Rows = list[list[tuple[Any, ...]]]


class Trip(Protocol):
    """One round's statements, and what their rows mean."""

    is_durable: bool

    def add_to(self, script: Script) -> None:
        """Add what stands between the fence and the commit.

        A division by zero there means that the round has to be judged.
        """

    def outcomes(self, rows: Rows) -> Outcomes:
        """What was decided, from the rows of the statements."""

    def recall(self) -> Outcomes:
        """What was decided, where it was committed and the rows are lost."""


def trip_of(
    entries: Sequence[Entry],
    *,
    incarnation: UUID,
    held: Mapping[int, int],
    now: datetime,
    without: Collection[int] = (),
) -> Trip | None:
    """The one trip that serves these requests; None where they have to be judged.

    None of the tenants `without` is let in so.
    """
    first = entries[0] if entries else None
    if len(entries) == 1 and isinstance(first, Admit):
        is_judged = first.ask.claim is not None or first.ask.tenant_id in without
        return None if is_judged else _Admission(first, incarnation, held, now)
    settles = [
        entry
        for entry in entries
        if isinstance(entry, Settle)
        and entry.reservation.incarnation == incarnation
        and entry.reservation.ask.claim is None
    ]
    if entries and len(settles) == len(entries):
        return _Settlement(settles, incarnation, held, now)
    return None


class _Admission:
    """One request: let in if all accounts have room."""

    is_durable = False

    def __init__(
        self, entry: Admit, incarnation: UUID, held: Mapping[int, int], now: datetime
    ) -> None:
        self._entry = entry
        self._incarnation = incarnation
        self._held = held
        self._now = now

    def add_to(self, script: Script) -> None:
        ask = self._entry.ask
        books.lock_accounts(script, (), [ask], now=self._now)
        books.take(script, ask, incarnation=self._incarnation)

    def outcomes(self, rows: Rows) -> Outcomes:
        # Accounts that were made after the locking are among the latter alone.
        locked, taken, *_ = rows
        accounts = books.accounts_of([*locked, *taken], held=self._held)
        judgement = Judgement(accounts, incarnation=self._incarnation, now=self._now)
        outcomes = _outcomes([self._entry], judgement, self._incarnation, self._now)
        outcomes.held = {one.id: one.held for one in judgement.accounts.values()}
        return outcomes

    def recall(self) -> Outcomes:
        """What is held beyond what was before is this request's, and how much of it."""
        outcomes = Outcomes(
            [self._entry], Claims((), incarnation=self._incarnation, now=self._now)
        )
        taken = []
        for account_id, quantity, amount in incarnations.in_flight(self._incarnation):
            if more := amount - self._held.get(account_id, 0):
                taken.append((account_id, Quantity(quantity), more))
                outcomes.held[account_id] = amount
        outcomes.admitted(
            self._entry,
            Reservation(
                ask=self._entry.ask,
                incarnation=self._incarnation,
                taken=tuple(taken),
                standings=(),
            ),
        )
        return outcomes


class _Settlement:
    """Requests that were admitted by this incarnation; all they may use is held."""

    is_durable = True

    def __init__(
        self,
        entries: Sequence[Settle],
        incarnation: UUID,
        held: Mapping[int, int],
        now: datetime,
    ) -> None:
        self._entries = entries
        self._incarnation = incarnation
        self._now = now
        self._unused: Counter[int] = Counter()
        given: Counter[int] = Counter()
        for entry in entries:
            used = entry.usage.amounts if entry.usage else Amounts()
            for account_id, quantity, amount in entry.reservation.taken:
                given[account_id] += amount
                self._unused[account_id] += amount - used.of(quantity)
        self._held = {one: held.get(one, 0) - amount for one, amount in given.items()}

    def add_to(self, script: Script) -> None:
        usages = [entry.usage for entry in self._entries if entry.usage is not None]
        # Before the accounts are locked: others wait for those.
        ledger.record(usages, script=script)
        books.lock_accounts(
            script,
            self._held,
            [entry.reservation.ask for entry in self._entries],
            now=self._now,
        )
        books.give_back(
            script, self._unused, held=self._held, incarnation=self._incarnation
        )

    def outcomes(self, rows: Rows) -> Outcomes:
        _, locked, *_ = rows
        accounts = books.accounts_of(locked, held={})
        judgement = Judgement(accounts, incarnation=self._incarnation, now=self._now)
        return self._decided(judgement)

    def recall(self) -> Outcomes:
        return self._decided(
            Judgement((), incarnation=self._incarnation, now=self._now)
        )

    def _decided(self, judgement: Judgement) -> Outcomes:
        outcomes = _outcomes(self._entries, judgement, self._incarnation, self._now)
        outcomes.held = self._held
        return outcomes


def _outcomes(
    entries: Sequence[Entry], judgement: Judgement, incarnation: UUID, now: datetime
) -> Outcomes:
    """What follows from what the database has done already."""
    outcomes = Outcomes(entries, Claims((), incarnation=incarnation, now=now))
    for entry in entries:
        outcomes.decide(entry, judgement)
    return outcomes
