"""What one admitted request used, before it is a row."""

import dataclasses
import hashlib
import secrets
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from accounts.models import EventKind, UsageEvent
from accounts.quotas import Amounts

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: From this status on, an answer is a failure, which no quota counts as a request.
FAILURE_STATUS = 400

#: The status of a request whose answer was withheld because it could not be billed.
UNDELIVERED_STATUS = 503


def new_event_id(moment: datetime) -> uuid.UUID:
    """A UUIDv7 for an aware `moment`: ids sort by time, to the microsecond or so."""
    microseconds = (moment - EPOCH) // timedelta(microseconds=1)
    milliseconds, rest = divmod(microseconds, 1000)
    # RFC 9562, method 3: the 12 bits after the version hold the millisecond's fraction.
    return _version_7(
        milliseconds=milliseconds,
        high=rest * 4096 // 1000,
        low=secrets.randbits(62),
    )


def correction_id(event_id: uuid.UUID) -> uuid.UUID:
    """The one id that an automatic correction of an event has: there is only one."""
    digest = int.from_bytes(hashlib.sha256(event_id.bytes).digest())
    return _version_7(
        milliseconds=event_id.int >> 80,
        high=digest >> 64 & 0xFFF,
        low=digest & (1 << 62) - 1,
    )


def _version_7(*, milliseconds: int, high: int, low: int) -> uuid.UUID:
    """A UUIDv7 of 48 bits of time, 12 high and 62 low bits of its remainder."""
    return uuid.UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """One usage event to be settled; the fields are the ledger's columns.

    `occurred_at` is the time of admission and selects the billing period. `event_id`
    is made from it unless it is given, as where the answer has to name it.
    """

    tenant_id: int
    api_key_id: int
    model: str
    wire: str
    status: int
    texts: int
    tokens: int
    occurred_at: datetime
    latency_us: int
    truncated: int = 0
    kind: EventKind = EventKind.USAGE
    price_id: int | None = None
    list_nanos: int = 0
    is_estimated: bool = False
    event_id: uuid.UUID = field(default=uuid.UUID(int=0))

    def __post_init__(self) -> None:
        if not self.event_id.int:
            object.__setattr__(self, "event_id", new_event_id(self.occurred_at))

    @property
    def amounts(self) -> Amounts:
        """What it takes of quotas."""
        return Amounts(
            requests=int(self.status < FAILURE_STATUS),
            tokens=self.tokens,
            nanos=self.list_nanos,
        )

    def to_row(self) -> UsageEvent:
        """The unsaved ledger row."""
        names = self.__slots__
        return UsageEvent(**{name: getattr(self, name) for name in names})

    def undelivered(self) -> "Usage":
        """The same event as one that failed and used nothing."""
        return dataclasses.replace(
            self,
            status=UNDELIVERED_STATUS,
            texts=0,
            tokens=0,
            truncated=0,
            list_nanos=0,
        )


def correction_of(event: UsageEvent) -> UsageEvent:
    """The unsaved row that takes an event's amounts back, in the same period."""
    return UsageEvent(
        event_id=correction_id(event.event_id),
        occurred_at=event.occurred_at,
        kind=EventKind.CORRECTION,
        ref_event=event.event_id,
        tenant_id=event.tenant_id,
        api_key_id=event.api_key_id,
        model=event.model,
        wire=event.wire,
        status=UNDELIVERED_STATUS,
        texts=-event.texts,
        tokens=-event.tokens,
        truncated=-event.truncated,
        latency_us=0,
        price_id=event.price_id,
        list_nanos=-event.list_nanos,
        is_estimated=event.is_estimated,
    )
