"""Metering in the caller's thread and transaction, for tests that roll back."""

from accounts.metering import Ask, Reservation, Usage
from accounts.metering.entries import Admit, Entry, Settle
from accounts.metering.rounds import Rounds
from accounts.metering.ticket import Ticket
from accounts.quotas import Standing


class InlineMeter:
    """As `accounts.metering.Meter`, without a thread."""

    def __init__(self) -> None:
        self._rounds = Rounds()

    def admit(self, ask: Ask) -> Reservation:
        ticket = Ticket[Reservation]()
        self._run(Admit(ask, ticket))
        return ticket.result()

    def settle(self, reservation: Reservation, usage: Usage) -> tuple[Standing, ...]:
        ticket = Ticket[tuple[Standing, ...]]()
        self._run(Settle(reservation, usage, ticket))
        return ticket.result()

    def release(self, reservation: Reservation) -> None:
        self._run(Settle(reservation, None))

    def close(self) -> None: ...

    def _run(self, entry: Entry) -> None:
        assert self._rounds.run([entry]).announce() == []
