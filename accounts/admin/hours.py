"""Usage by the hour, as it was rolled up; read-only."""

from django.contrib import admin
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateTimeFilter

from accounts.admin.base import LogAdmin
from accounts.admin.columns import moment, number
from accounts.latency import quantile_us
from accounts.models import UsageHour

NANOS = 1_000_000_000


@admin.register(UsageHour)
class UsageHourAdmin(LogAdmin):
    """One row per hour, tenant, key and model."""

    list_title = "Usage by hour"
    list_display = (
        "hour_utc",
        "tenant",
        "api_key",
        "model",
        "answers",
        "failures",
        "refusals",
        "text_count",
        "token_count",
        "list_price",
        "median_ms",
        "slow_ms",
    )
    list_filter = (
        ("tenant", AutocompleteSelectFilter),
        ("hour", RangeDateTimeFilter),
    )
    list_select_related = ("tenant", "api_key")

    @admin.display(description="Hour (UTC)", ordering="hour")
    def hour_utc(self, row: UsageHour) -> str:
        """When it began."""
        return moment(row.hour)

    @admin.display(description="Requests", ordering="requests")
    def answers(self, row: UsageHour) -> str:
        """How many were answered."""
        return number(row.requests)

    @admin.display(description="Texts", ordering="texts")
    def text_count(self, row: UsageHour) -> str:
        """How many were embedded."""
        return number(row.texts)

    @admin.display(description="Tokens", ordering="tokens")
    def token_count(self, row: UsageHour) -> str:
        """How many were billed."""
        return number(row.tokens)

    @admin.display(description="List price", ordering="list_nanos")
    def list_price(self, row: UsageHour) -> str:
        """In the list's currency."""
        return f"{row.list_nanos / NANOS:,.6f}"

    @admin.display(description="p50, ms")
    def median_ms(self, row: UsageHour) -> str:
        """Half of the answers were quicker."""
        return _milliseconds(row, 0.5)

    @admin.display(description="p95, ms")
    def slow_ms(self, row: UsageHour) -> str:
        """One in twenty was slower."""
        return _milliseconds(row, 0.95)


def _milliseconds(row: UsageHour, fraction: float) -> str:
    found = quantile_us(row.latency, fraction)
    return "" if found is None else f"{found / 1000:,.1f}"
