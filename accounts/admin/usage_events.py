"""The ledger: read-only, newest first, as quick with a billion rows as with ten."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    ChoicesDropdownFilter,
    DropdownFilter,
    TextFilter,
)
from unfold.views import ChangeList

from accounts.admin.base import ReadOnlyAdmin
from accounts.admin.columns import NOTE, badge, number, status_badge
from accounts.admin.keyset import LedgerChangeList
from accounts.amounts import in_currency
from accounts.models import ApiKey, EventKind, UsageEvent

Events = QuerySet[UsageEvent]
Lookups = list[tuple[str, str]]
MONTHS_OFFERED = 24


class MonthFilter(DropdownFilter):
    """Events admitted in one month (UTC); it leaves one partition to search."""

    title = "month"
    parameter_name = "month"

    def lookups(
        self, request: HttpRequest, model_admin: "ModelAdmin[UsageEvent]"
    ) -> Lookups:
        """This month and the two years before it."""
        now = timezone.now()
        latest = now.year * 12 + now.month - 1
        months = [divmod(latest - back, 12) for back in range(MONTHS_OFFERED)]
        names = [f"{year:04}-{month + 1:02}" for year, month in months]
        return list(zip(names, names, strict=True))

    def queryset(self, request: HttpRequest, queryset: Events) -> Events:
        """Those from the first of the month to the first of the next."""
        if not self.value():
            return queryset
        try:
            start = datetime.strptime(self.value(), "%Y-%m").replace(tzinfo=UTC)
        except ValueError:
            return queryset.none()
        year, month = divmod(start.year * 12 + start.month, 12)
        end = start.replace(year=year, month=month + 1)
        return queryset.filter(occurred_at__gte=start, occurred_at__lt=end)


class StatusFilter(DropdownFilter):
    """Events by the class of the status answered."""

    title = "status"
    parameter_name = "status"

    def lookups(
        self, request: HttpRequest, model_admin: "ModelAdmin[UsageEvent]"
    ) -> Lookups:
        """The classes."""
        return [("2", "2xx served"), ("4", "4xx refused"), ("5", "5xx failed")]

    def queryset(self, request: HttpRequest, queryset: Events) -> Events:
        """Those whose status begins with the digit."""
        if self.value() not in {"2", "4", "5"}:
            return queryset
        start = int(self.value()) * 100
        return queryset.filter(status__gte=start, status__lt=start + 100)


class ExactFilter(SimpleListFilter):
    """Events whose column named like the parameter is exactly what was asked for."""

    parameter_name: str

    def queryset(self, request: HttpRequest, queryset: Events) -> Events:
        """Those that match; none for what no column can hold."""
        wanted = self.value()
        if not wanted:
            return queryset
        if "\x00" in wanted:
            return queryset.none()
        return queryset.filter(**{self.parameter_name: wanted})


class ModelFilter(ExactFilter, TextFilter):
    """Events of one model, by its canonical name."""

    title = parameter_name = "model"


class WireFilter(ExactFilter, TextFilter):
    """Events that came over one wire."""

    title = parameter_name = "wire"


class KeyFilter(AutocompleteSelectFilter):
    """Events of one key."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "key"

    def queryset(self, request: HttpRequest, queryset: Events) -> Events:
        """Those of the key and its tenant, with which the ledger's index starts."""
        events: Events = super().queryset(request, queryset)
        if not self.value():
            return events
        owner = ApiKey.objects.filter(pk=self.value()).values("tenant")
        return events.filter(tenant=Subquery(owner))


@admin.register(UsageEvent)
class UsageEventAdmin(ReadOnlyAdmin):
    """One row per admitted request; holds no text, no vector, no key."""

    list_title = "Usage ledger"
    list_display = (
        "time",
        "tenant",
        "key",
        "model",
        "wire",
        "answer",
        "what",
        "text_count",
        "token_count",
        "latency",
    )
    list_display_links = ("time",)
    list_filter: tuple[Any, ...] = (
        ("tenant", AutocompleteSelectFilter),
        ("api_key", KeyFilter),
        MonthFilter,
        ModelFilter,
        WireFilter,
        StatusFilter,
        ("kind", ChoicesDropdownFilter),
    )
    list_select_related = ("tenant", "api_key")
    list_per_page = 100
    list_fullwidth = True
    sortable_by = ()
    search_fields = ("event_id",)
    search_help_text = "Event id, whole"
    fieldsets = (
        (None, {"fields": (("event_id", "time"), ("tenant", "key"))}),
        ("Request", {"fields": (("model", "wire"), ("answer", "latency"))}),
        (
            "Usage",
            {"fields": (("text_count", "truncated"), ("token_count", "counted"))},
        ),
        ("Billing", {"fields": (("what", "ref_event"), ("price_id", "list_price"))}),
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list that is paged by position."""
        return LedgerChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: Events, search_term: str
    ) -> tuple[Events, bool]:
        """The one event with this id."""
        if not search_term.strip():
            return queryset, False
        try:
            event_id = UUID(search_term.strip())
        except ValueError:
            return queryset.none(), False
        return queryset.filter(event_id=event_id), False

    @admin.display(description="Time (UTC)")
    def time(self, event: UsageEvent) -> str:
        """When it was admitted, to the millisecond."""
        return f"{event.occurred_at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3]

    @admin.display(description="Key")
    def key(self, event: UsageEvent) -> str:
        """The key's name and last characters."""
        return f"{event.api_key.name} …{event.api_key.last4}"

    @admin.display(description="Status")
    def answer(self, event: UsageEvent) -> str:
        """The HTTP status answered, coloured by its class."""
        return status_badge(event.status)

    @admin.display(description="Kind")
    def what(self, event: UsageEvent) -> str:
        """Why the event was written; only what is unusual stands out."""
        label = EventKind(event.kind).label
        return label if event.kind == EventKind.USAGE else badge(label, NOTE)

    @admin.display(description="Counted")
    def counted(self, event: UsageEvent) -> str:
        """How the tokens were counted."""
        return "as estimate" if event.is_estimated else "exactly"

    @admin.display(description="Texts")
    def text_count(self, event: UsageEvent) -> str:
        """How many texts it held."""
        return number(event.texts)

    @admin.display(description="Tokens")
    def token_count(self, event: UsageEvent) -> str:
        """How many tokens are billed."""
        return number(event.tokens)

    @admin.display(description="Latency (ms)")
    def latency(self, event: UsageEvent) -> str:
        """From admission to the answer."""
        return f"{event.latency_us / 1000:,.1f}"

    @admin.display(description="List price")
    def list_price(self, event: UsageEvent) -> str:
        """What it costs before contracts and tiers, in the currency."""
        return f"{in_currency(event.list_nanos):,.9f}"
