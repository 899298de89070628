"""Rounds: one transaction each for all requests that wait, and its fate known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts import partitions
from accounts.errors import RateLimitedError, UnavailableError
from accounts.metering import books, incarnations, ledger
from accounts.metering.entries import Admit, Ask, Entry, Settle, TakeBack
from accounts.metering.judgement import Account, Judgement, MissingAccountsError
from accounts.metering.ticket import Ticket
from accounts.metering.usage import Usage
from accounts.quotas import Amounts

#: Round trips to make what is missing, before it is an error.
ATTEMPTS = 4


class FencedError(Exception):
    """This process was declared dead, or its last round was lost with the server."""


@dataclass(slots=True)
class Outcomes:
    """What a round decided: whom to tell what once it is committed, and what is held.

    `entries` are those that it served.
    Telling gives the entry that undoes what was done for somebody who has left.
    """

    entries: frozenset[Entry] = frozenset()
    tell: list[Callable[[], Entry | None]] = field(default_factory=list)
    usages: list[Usage] = field(default_factory=list)
    corrections: list[Usage] = field(default_factory=list)
    held: dict[int, int] = field(default_factory=dict)

    def announce(self) -> list[Entry]:
        """Wake who waits; what is to be undone for those who do not any more."""
        return [entry for tell in self.tell if (entry := tell()) is not None]


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
        self._in_doubt: Outcomes | None = None

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
        outcomes = self._in_doubt
        if outcomes is None or self._incarnation is None:
            return None
        is_committed = incarnations.last_round(self._incarnation) == self._number + 1
        self._in_doubt = None
        return self._committed(outcomes) if is_committed else None

    def beat(self) -> None:
        """Tell that this process lives."""
        self.run([])

    def end(self) -> None:
        """End the incarnation and give back what is still held."""
        if self._incarnation is not None:
            incarnations.end(self._incarnation)
            self._incarnation = None

    def _run(self, entries: Sequence[Entry]) -> Outcomes:
        if self._incarnation is None:
            self._begin_anew()
        outcomes = Outcomes(entries=frozenset(entries))
        with transaction.atomic():
            accounts = self._decide(entries, outcomes)
            self._write(outcomes, accounts)
            self._in_doubt = outcomes
        return self._committed(outcomes)

    def _decide(
        self, entries: Sequence[Entry], outcomes: Outcomes
    ) -> dict[int, Account]:
        """Lock and judge: what is given back first, then who came first."""
        assert self._incarnation is not None  # noqa: S101 -- for the type checker
        is_durable = any(not isinstance(entry, Admit) for entry in entries)
        if not incarnations.raise_round(
            self._incarnation, self._number + 1, is_durable=is_durable
        ):
            raise FencedError
        before = books.lock_accounts(
            {
                account_id
                for entry in entries
                if not isinstance(entry, Admit)
                for account_id, _ in entry.reservation.taken
            },
            [_ask_of(entry) for entry in entries],
            held=self._held,
        )
        figures = {one.id: (one.used, one.held) for one in before}
        judgement = Judgement(
            before, incarnation=self._incarnation, now=datetime.now(UTC)
        )
        for entry in sorted(entries, key=lambda entry: isinstance(entry, Admit)):
            _judge(entry, judgement, outcomes)
        return {
            account.id: account
            for account in judgement.accounts.values()
            if figures[account.id] != (account.used, account.held)
        }

    def _write(self, outcomes: Outcomes, changed: dict[int, Account]) -> None:
        assert self._incarnation is not None  # noqa: S101 -- for the type checker
        if changed:
            books.write_accounts(changed.values(), incarnation=self._incarnation)
            outcomes.held = {one.id: one.held for one in changed.values()}
        if outcomes.usages:
            ledger.record(outcomes.usages)
        if outcomes.corrections:
            ledger.correct(outcomes.corrections)

    def _committed(self, outcomes: Outcomes) -> Outcomes:
        self._number += 1
        self._in_doubt = None
        self._held |= outcomes.held
        self._held = {key: amount for key, amount in self._held.items() if amount}
        return outcomes

    def _begin_anew(self) -> None:
        """Leave a life that is over; what it holds is void, and taken anew when due."""
        self.end()
        self._incarnation = incarnations.begin()
        self._number, self._held, self._in_doubt = 0, {}, None


def _ask_of(entry: Entry) -> Ask:
    return entry.ask if isinstance(entry, Admit) else entry.reservation.ask


def _judge(entry: Entry, judgement: Judgement, outcomes: Outcomes) -> None:
    """Decide about one entry."""
    if isinstance(entry, Admit):
        _admit(entry, judgement, outcomes)
    elif isinstance(entry, Settle):
        _settle(entry, judgement, outcomes)
    else:
        judgement.take_back(entry.reservation, entry.usage.amounts)
        outcomes.corrections.append(entry.usage)


def _admit(entry: Admit, judgement: Judgement, outcomes: Outcomes) -> None:
    try:
        reservation = judgement.admit(entry.ask)
    except RateLimitedError as error:
        refusal = error
        outcomes.tell.append(lambda: _fail(entry.ticket, refusal))
        return
    # Somebody who has left holds nothing.
    outcomes.tell.append(
        lambda: None if entry.ticket.answer(reservation) else Settle(reservation, None)
    )


def _settle(entry: Settle, judgement: Judgement, outcomes: Outcomes) -> None:
    reservation, usage, ticket = entry.reservation, entry.usage, entry.ticket
    used = Amounts() if usage is None else usage.amounts
    try:
        standings = judgement.settle(reservation, used)
    except RateLimitedError:
        # Its place was given away while this process was taken for dead.
        if usage is not None:
            outcomes.usages.append(usage.undelivered())
        if ticket is not None:
            outcomes.tell.append(lambda: _fail(ticket, UnavailableError()))
        return
    if usage is not None:
        outcomes.usages.append(usage)
    if ticket is not None and usage is not None:
        outcomes.tell.append(
            lambda: None if ticket.answer(standings) else TakeBack(reservation, usage)
        )


def _fail(ticket: Ticket[Any], error: Exception) -> None:
    """Who has left need not know, and nothing was done for them."""
    ticket.fail(error)


def _make_accounts(entries: Sequence[Entry]) -> None:
    """Make the accounts of all periods that requests fall into."""
    moments: dict[datetime, set[int]] = {}
    for entry in entries:
        ask = _ask_of(entry)
        minute = ask.occurred_at.replace(second=0, microsecond=0)
        moments.setdefault(minute, set()).add(ask.tenant_id)
    for moment, tenant_ids in moments.items():
        books.make_accounts(tenant_ids, moment)
