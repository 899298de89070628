"""Quota kinds: what is counted, over which time. Pure; a new kind is one entry here."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

#: Where the period of what never begins anew begins.
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
NANOS = 10**9


class Quantity(StrEnum):
    """What a quota counts; money is in thousand-millionths of the currency.

    `CONCURRENT` requests are given back when they end; the others were used.
    """

    REQUESTS = "requests"
    TOKENS = "tokens"
    NANOS = "nanos"
    CONCURRENT = "concurrent"


class Period(StrEnum):
    """How long a quota lasts before it begins anew, by the calendar in UTC."""

    MINUTE = "minute"
    DAY = "day"
    MONTH = "month"
    NONE = "none"

    @property
    def seconds(self) -> int | None:
        """Its usual length, of months 30 days; None: it does not end."""
        return {"minute": 60, "day": 86_400, "month": 2_592_000}.get(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """What one request takes of each quantity, none below 0."""

    requests: int = 0
    tokens: int = 0
    nanos: int = 0
    concurrent: int = 0

    def __post_init__(self) -> None:
        if min(self.requests, self.tokens, self.nanos, self.concurrent) < 0:
            raise ValueError(f"an amount is below 0: {self}")

    def of(self, quantity: Quantity) -> int:
        """The part that a quota of this quantity counts."""
        amount: int = getattr(self, quantity.value)
        return amount

    def covers(self, other: "Amounts") -> bool:
        """Whether `other` takes no more of anything."""
        return all(other.of(quantity) <= self.of(quantity) for quantity in Quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One period: from `start` on and before `end`, which what is prepaid has not."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaKind:
    """One kind of allowance. `code` names it in the database, headers and commands."""

    code: str
    label: str
    quantity: Quantity
    period: Period

    @property
    def is_rate(self) -> bool:
        """Whether waiting helps: nobody has to buy anything for it to have room."""
        is_short = self.period in (Period.MINUTE, Period.DAY)
        return is_short or self.quantity is Quantity.CONCURRENT

    @property
    def is_pack(self) -> bool:
        """Whether it is bought once: what was used before it was set is not of it."""
        return self.period is Period.NONE and self.quantity is not Quantity.CONCURRENT

    def span(self, moment: datetime) -> Span:
        """The period that holds an aware moment."""
        return _span(self.period, moment.astimezone(UTC))

    def next_span(self, moment: datetime) -> Span | None:
        """The period after it; None where there is but one."""
        end = self.span(moment).end
        return None if end is None else self.span(end)


def _kind(code: str, label: str, quantity: Quantity, period: Period) -> QuotaKind:
    return QuotaKind(code=code, label=label, quantity=quantity, period=period)


KINDS = (
    _kind("rpm", "Requests per minute", Quantity.REQUESTS, Period.MINUTE),
    _kind("tpm", "Tokens per minute", Quantity.TOKENS, Period.MINUTE),
    _kind("rpd", "Requests per day", Quantity.REQUESTS, Period.DAY),
    _kind("tpd", "Tokens per day", Quantity.TOKENS, Period.DAY),
    _kind("requests-month", "Requests per month", Quantity.REQUESTS, Period.MONTH),
    _kind("tokens-month", "Tokens per month", Quantity.TOKENS, Period.MONTH),
    _kind("money-month", "Money per month", Quantity.NANOS, Period.MONTH),
    _kind("tokens-prepaid", "Tokens prepaid", Quantity.TOKENS, Period.NONE),
    _kind("concurrent", "Requests at once", Quantity.CONCURRENT, Period.NONE),
)
BY_CODE = {kind.code: kind for kind in KINDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a quota stands: `remaining` can still be used at that moment.

    `reset_s` is when it begins anew, None where it never does. `is_of_key` tells a
    key's own from its tenant's.
    """

    kind: QuotaKind
    limit: int
    remaining: int
    reset_s: float | None
    is_of_key: bool = False

    @property
    def name(self) -> str:
        """A name that no other standing of the same request has."""
        return f"{self.kind.code}-key" if self.is_of_key else self.kind.code


def kind_choices() -> list[tuple[str, str]]:
    """Code and label of each kind, for forms and columns."""
    return [(kind.code, kind.label) for kind in KINDS]


def _span(period: Period, moment: datetime) -> Span:
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if period is Period.MINUTE:
        start = moment.replace(second=0, microsecond=0)
        return Span(start=start, end=start + timedelta(minutes=1))
    if period is Period.DAY:
        return Span(start=midnight, end=midnight + timedelta(days=1))
    if period is Period.MONTH:
        first = midnight.replace(day=1)
        later = first + timedelta(days=32)
        return Span(start=first, end=later.replace(day=1))
    return Span(start=BEGINNING, end=None)
