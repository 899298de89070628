"""What the metering thread is asked to do, and what it answers."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from accounts.metering.ticket import Ticket
from accounts.metering.usage import Usage
from accounts.quotas import Amounts, Quantity, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A caller's own name for a request, and the request: keyed hashes of 32 bytes."""

    digest: bytes
    fingerprint: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request that asks to be admitted; `amounts` is the most that it will use."""

    tenant_id: int
    api_key_id: int
    model: str
    amounts: Amounts
    occurred_at: datetime
    claim: Claim | None = None

    @property
    def as_replay(self) -> "Ask":
        """The same request when it was billed before: it counts, and costs nothing."""
        return replace(self, amounts=replace(self.amounts, tokens=0, nanos=0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reservation:
    """What an admitted request holds until it is settled.

    `taken` are accounts' ids, what they count, and how much of it is held there by
    `incarnation`; `standings` were the tenant's at admission. A replay was billed
    before, and is not again.
    """

    ask: Ask
    incarnation: UUID
    taken: tuple[tuple[int, Quantity, int], ...]
    standings: tuple[Standing, ...]
    is_replay: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Admit:
    """Let a request in, or refuse it."""

    ask: Ask
    ticket: Ticket[Reservation]


@dataclass(frozen=True, slots=True, eq=False)
class Settle:
    """Write what a request used and give the rest back; without a usage, all of it.

    Without a ticket nobody waits.
    """

    reservation: Reservation
    usage: Usage | None
    ticket: Ticket[tuple[Standing, ...]] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TakeBack:
    """Correct a settled usage whose answer was withheld."""

    reservation: Reservation
    usage: Usage


Entry: TypeAlias = Admit | Settle | TakeBack


def ask_of(entry: Entry) -> Ask:
    """The request that an entry is about."""
    return entry.ask if isinstance(entry, Admit) else entry.reservation.ask
