"""What a round decides about each request, to be written and then told."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from accounts.errors import (
    IdempotencyMismatchError,
    IdempotencyRunningError,
    RateLimitedError,
    UnavailableError,
)
from accounts.metering.claims import Claims
from accounts.metering.entries import (
    Admit,
    Ask,
    Entry,
    Reservation,
    Settle,
    TakeBack,
)
from accounts.metering.judgement import Judgement
from accounts.metering.ticket import Ticket
from accounts.metering.usage import FAILURE_STATUS, Usage
from accounts.quotas import Amounts


class Outcomes:
    """One round's decisions: what is to be written, held, and told once it is.

    Telling gives the entry that undoes what was done for somebody who has left.
    """

    def __init__(
        self, entries: Sequence[Entry], claims: Claims, *, written: Sequence[Usage] = ()
    ) -> None:
        self.entries = frozenset(entries)
        self.claims = claims
        self._written = {usage.event_id for usage in written}
        self.usages: list[Usage] = []
        self.corrections: list[Usage] = []
        self.refusals: list[Ask] = []
        self.held: dict[int, int] = {}
        self._tell: list[Callable[[], Entry | None]] = []

    @property
    def unwritten(self) -> list[Usage]:
        """Usages that are not in the ledger yet."""
        return [one for one in self.usages if one.event_id not in self._written]

    def announce(self) -> list[Entry]:
        """Wake who waits; what is to be undone for those who do not any more."""
        return [entry for tell in self._tell if (entry := tell()) is not None]

    def decide(self, entry: Entry, judgement: Judgement) -> None:
        """Decide about one entry; raises `MissingAccountsError`."""
        if isinstance(entry, Admit):
            self._admit(entry, judgement)
        elif isinstance(entry, Settle):
            self._settle(entry, judgement)
        else:
            self._take_back(entry, judgement)

    def _admit(self, entry: Admit, judgement: Judgement) -> None:
        ask, ticket = entry.ask, entry.ticket
        try:
            is_replay = self.claims.is_replay(ask)
            reservation = judgement.admit(ask.as_replay if is_replay else ask)
        except RateLimitedError as error:
            self.refusals.append(ask)
            self._refuse(ticket, error)
            return
        except (IdempotencyMismatchError, IdempotencyRunningError) as error:
            self._refuse(ticket, error)
            return
        if is_replay:
            reservation = replace(reservation, is_replay=True)
        else:
            self.claims.take(ask)
        self.admitted(entry, reservation)

    def admitted(self, entry: Admit, reservation: Reservation) -> None:
        """Note that a request holds what it asked for."""
        ticket = entry.ticket
        # Somebody who has left holds nothing.
        self._tell.append(
            lambda: None if ticket.answer(reservation) else Settle(reservation, None)
        )

    def _settle(self, entry: Settle, judgement: Judgement) -> None:
        reservation, usage, ticket = entry.reservation, entry.usage, entry.ticket
        is_served = usage is not None and usage.status < FAILURE_STATUS
        is_ours = self._is_ours(reservation, is_served=is_served)
        try:
            standings = judgement.settle(
                reservation, usage.amounts if usage and is_ours else Amounts()
            )
        except RateLimitedError:
            is_ours = False
        if not is_ours:
            # Its place was given away while this process was taken for dead.
            usage = usage and usage.undelivered()
            if ticket is not None:
                self._refuse(ticket, UnavailableError())
        elif not reservation.is_replay:
            note = self.claims.settle if is_served else self.claims.free
            note(reservation.ask)
        if usage is not None:
            self.usages.append(usage)
        if is_ours and ticket is not None and usage is not None:
            undo = TakeBack(reservation, usage) if is_served else None
            self._tell.append(lambda: None if ticket.answer(standings) else undo)

    def _is_ours(self, reservation: Reservation, *, is_served: bool) -> bool:
        """Whether the answer may leave: nobody else has begun the request meanwhile,
        or what a replay repeats is still billed.
        """
        if not reservation.is_replay:
            return self.claims.owns(reservation.ask)
        return not is_served or self.claims.may_repeat(reservation.ask)

    def _take_back(self, entry: TakeBack, judgement: Judgement) -> None:
        if not entry.reservation.is_replay and self.claims.is_delivered(
            entry.reservation.ask
        ):
            return
        judgement.take_back(entry.reservation, entry.usage.amounts)
        self.corrections.append(entry.usage)
        if not entry.reservation.is_replay:
            self.claims.free(entry.reservation.ask)

    def _refuse(self, ticket: Ticket[Any], error: Exception) -> None:
        """Who has left need not know: nothing was done for them."""

        def tell() -> None:
            ticket.fail(error)

        self._tell.append(tell)
