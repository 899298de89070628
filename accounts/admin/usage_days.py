"""Pages of usage by day, tenant and model, summed up from the hours as they are shown.

A page reads no more days than it needs: one, then twice as many each time, always
beginning where there is something, which the indexes by hour tell.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin.keyset import KeysetChangeList
from accounts.models import Tenant, UsageSoFar
from accounts.usage_query import UsageSum, sums_of

NEWEST_FIRST = ("-day", "tenant", "model")
OLDEST_FIRST = ("day", "-tenant", "-model")

#: A busy day must not be read with very many others that are nearly empty.
MOST_DAYS = 16
DAY = timedelta(days=1)
LAST_DAY = datetime.max.replace(tzinfo=UTC) - 2 * DAY
Usage = QuerySet[UsageSoFar]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a line stands."""

    day: datetime
    tenant: str
    model: str

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}~{self.tenant}~{self.model}"

    @property
    def group(self) -> tuple[Any, ...]:
        """What its sums are grouped by."""
        return (self.day, self.tenant, self.model)

    @property
    def end(self) -> datetime:
        """When its day is over."""
        return self.day + DAY

    @classmethod
    def parse(cls, text: str) -> "Place":
        """Read what `str` wrote; raises `IncorrectLookupParameters`."""
        day, *rest = text.split("~", 2)
        try:
            tenant, model = rest
            moment = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError as error:
            raise IncorrectLookupParameters(error) from error
        # Columns of text cannot be asked for the one, nor has the last day a next.
        if "\x00" in text or moment > LAST_DAY:
            raise IncorrectLookupParameters(text)
        return cls(day=moment, tenant=tenant, model=model)


class DaysChangeList(KeysetChangeList):
    """Usage by day, tenant and model, the latest day first."""

    too_much = "Too much usage to sum up. Choose a tenant, or fewer days."

    def get_ordering(self, request: HttpRequest, queryset: Usage) -> list[str]:
        """Left to `fetch`."""
        return []

    def fetch(
        self, place: str | None, *, is_newer: bool, count: int
    ) -> list[UsageSoFar]:
        """The lines after or before a place."""
        after = Place.parse(place) if place else None
        stretches = (
            _later_days(self.queryset, after)
            if is_newer
            else _earlier_days(self.queryset, after)
        )
        found: list[UsageSum] = []
        for rows in stretches:
            found += sums_of(
                rows,
                by=OLDEST_FIRST if is_newer else NEWEST_FIRST,
                after=None if after is None else after.group,
                limit=count - len(found),
            )
            if len(found) >= count:
                break
        return [_line(sums) for sums in found]

    def place_of(self, row: UsageSoFar) -> str:
        """The line's place."""
        return str(Place(day=row.hour, tenant=row.tenant.slug, model=row.model))


def _earlier_days(usage: Usage, place: Place | None) -> Iterator[Usage]:
    """Stretches of days that begin with a day that has usage, going back in time."""
    edge, days = (None if place is None else place.end), 1
    while True:
        rows = usage if edge is None else usage.filter(hour__lt=edge)
        latest = rows.order_by("-hour").values_list("hour", flat=True)[:1]
        if not latest:
            return
        last = _midnight(latest[0])
        edge = last - (days - 1) * DAY
        yield usage.filter(hour__gte=edge, hour__lt=last + DAY)
        days = min(2 * days, MOST_DAYS)


def _later_days(usage: Usage, place: Place | None) -> Iterator[Usage]:
    """The same, going on in time."""
    edge, days = (None if place is None else place.day), 1
    while True:
        rows = usage if edge is None else usage.filter(hour__gte=edge)
        earliest = rows.order_by("hour").values_list("hour", flat=True)[:1]
        if not earliest:
            return
        first = _midnight(earliest[0])
        edge = first + days * DAY
        yield usage.filter(hour__gte=first, hour__lt=edge)
        days = min(2 * days, MOST_DAYS)


def _midnight(hour: datetime) -> datetime:
    return hour.astimezone(UTC).replace(hour=0)


def _line(sums: UsageSum) -> UsageSoFar:
    """A row of the view's shape, of a whole day."""
    day, slug, model = sums.group
    facts = asdict(sums)
    del facts["group"]
    return UsageSoFar(hour=day, tenant=Tenant(slug=slug), model=model, **facts)
