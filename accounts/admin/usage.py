"""What tenants used, by day and model; read-only, up to this moment."""

from datetime import UTC, datetime, time
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateFilter
from unfold.utils import parse_date_str
from unfold.views import ChangeList

from accounts.admin.base import ReadOnlyAdmin
from accounts.admin.columns import moment, number
from accounts.admin.usage_days import DaysChangeList
from accounts.admin.usage_events import ModelFilter
from accounts.amounts import in_currency
from accounts.latency import quantile_us
from accounts.models import UsageSoFar


class DayFilter(RangeDateFilter):
    """Usage of some days, first and last included (UTC)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "day"

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[UsageSoFar]
    ) -> QuerySet[UsageSoFar]:
        """The hours of those days; none for what is no day."""
        bounds = {"from": ("hour__gte", time.min), "to": ("hour__lte", time.max)}
        for end, (lookup, clock) in bounds.items():
            text = self.used_parameters.get(f"{self.parameter_name}_{end}")
            if not text:
                continue
            day = parse_date_str(text)
            if day is None:
                return queryset.none()
            queryset = queryset.filter(**{lookup: datetime.combine(day, clock, UTC)})
        return queryset


@admin.register(UsageSoFar)
class UsageAdmin(ReadOnlyAdmin):
    """One line per day, tenant and model."""

    list_title = "Usage"
    list_display = (
        "day",
        "whose",
        "model",
        "request_count",
        "failure_count",
        "refusal_count",
        "text_count",
        "token_count",
        "list_price",
        "median_ms",
        "slow_ms",
    )
    list_display_links = None
    list_filter: tuple[Any, ...] = (
        ("tenant", AutocompleteSelectFilter),
        ModelFilter,
        ("hour", DayFilter),
    )
    list_per_page = 100
    list_fullwidth = True
    sortable_by = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list that is summed up day by day."""
        return DaysChangeList

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> None:
        """None: a line is no row, and has no page."""

    @admin.display(description="Day (UTC)")
    def day(self, line: UsageSoFar) -> str:
        """Which one."""
        return moment(line.hour.date())

    @admin.display(description="Tenant")
    def whose(self, line: UsageSoFar) -> str:
        """The tenant's slug."""
        return line.tenant.slug

    @admin.display(description="Requests")
    def request_count(self, line: UsageSoFar) -> str:
        """How many were answered."""
        return number(line.requests)

    @admin.display(description="Failed")
    def failure_count(self, line: UsageSoFar) -> str:
        """How many of them with an error."""
        return number(line.failures)

    @admin.display(description="Refused")
    def refusal_count(self, line: UsageSoFar) -> str:
        """How many besides were not admitted."""
        return number(line.refusals)

    @admin.display(description="Texts")
    def text_count(self, line: UsageSoFar) -> str:
        """How many were embedded."""
        return number(line.texts)

    @admin.display(description="Tokens")
    def token_count(self, line: UsageSoFar) -> str:
        """How many are billed."""
        return number(line.tokens)

    @admin.display(description="List price")
    def list_price(self, line: UsageSoFar) -> str:
        """In the list's currency, to the nano, so that digits stand in columns."""
        return f"{in_currency(line.list_nanos):,.9f}"

    @admin.display(description="p50, ms")
    def median_ms(self, line: UsageSoFar) -> str:
        """Half of the answers were quicker."""
        return _milliseconds(line, 0.5)

    @admin.display(description="p95, ms")
    def slow_ms(self, line: UsageSoFar) -> str:
        """One in twenty was slower."""
        return _milliseconds(line, 0.95)


def _milliseconds(line: UsageSoFar, fraction: float) -> str:
    found = quantile_us(line.latency, fraction)
    return "" if found is None else f"{found / 1000:,.1f}"
