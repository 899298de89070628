"""Paging by position instead of by number: every page costs the same, however deep.

A page is found by the (time, id) of the row next to it, through the index that has the
same order; nothing is counted and nothing is skipped over.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.paginator import Paginator
from django.db import OperationalError, connection, transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from psycopg.errors import QueryCanceled

from accounts.admin.base import PlatformChangeList
from accounts.models import UsageEvent

OLDER, NEWER = "older", "newer"
STATEMENT_TIMEOUT_MS = 4_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A row's place in the ledger's order."""

    occurred_at: datetime
    event_id: UUID

    def __str__(self) -> str:
        return f"{(self.occurred_at - _EPOCH) // _MICROSECOND}-{self.event_id.hex}"

    @classmethod
    def of(cls, event: UsageEvent) -> "Position":
        """Where an event stands."""
        return cls(occurred_at=event.occurred_at, event_id=event.event_id)

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Read what `str` wrote; raises `IncorrectLookupParameters`."""
        microseconds, _, event_id = text.partition("-")
        try:
            occurred_at = _EPOCH + int(microseconds) * _MICROSECOND
            return cls(occurred_at=occurred_at, event_id=UUID(event_id))
        except (ValueError, OverflowError) as error:
            raise IncorrectLookupParameters(error) from error

    def older(self) -> Q:
        """The rows after this one; the first condition alone bounds the index scan."""
        same = Q(occurred_at=self.occurred_at, event_id__lt=self.event_id)
        return Q(occurred_at__lte=self.occurred_at) & (
            Q(occurred_at__lt=self.occurred_at) | same
        )

    def newer(self) -> Q:
        """The rows before this one."""
        same = Q(occurred_at=self.occurred_at, event_id__gt=self.event_id)
        return Q(occurred_at__gte=self.occurred_at) & (
            Q(occurred_at__gt=self.occurred_at) | same
        )


class KeysetPaginator(Paginator):  # type: ignore[type-arg]
    """Gives the admin's pagination tag a page without a number."""

    template_name = "admin/accounts/usageevent/pagination.html"


class LedgerChangeList(PlatformChangeList):
    """Usage events, newest first, a page at a time."""

    newer_url: str | None = None
    older_url: str | None = None

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str | None] | None = None
    ) -> QuerySet[UsageEvent]:
        """The events that match; the position is none of the filters."""
        for name in (OLDER, NEWER):
            self.params.pop(name, None)
            self.filter_params.pop(name, None)
        return super().get_queryset(request, exclude_parameters)

    def get_ordering(
        self, request: HttpRequest, queryset: QuerySet[UsageEvent]
    ) -> list[str]:
        """Newest first, always: it is the order of the indexes."""
        return ["-occurred_at", "-event_id"]

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page asked for, or nothing when that takes too long."""
        self.paginator = KeysetPaginator([], self.list_per_page)
        self.can_show_all = self.show_all = self.multi_page = False
        self.show_admin_actions = False
        self.show_full_result_count = False
        try:
            self.result_list = self._page(request)
        except OperationalError as error:
            if not isinstance(error.__cause__, QueryCanceled):
                raise
            self.result_list = []
            messages.warning(
                request,
                "Too many events to search through. Choose a tenant and a month.",
            )
        # Equal counts keep the theme from telling a total, which nobody counted.
        self.result_count = self.full_result_count = len(self.result_list)

    def _page(self, request: HttpRequest) -> list[UsageEvent]:
        """The page's events, newest first; sets the addresses of its neighbours."""
        after, before = request.GET.get(OLDER), request.GET.get(NEWER)
        events: QuerySet[UsageEvent] = self.queryset
        if before and not after:
            events = events.filter(Position.parse(before).newer())
            events = events.order_by("occurred_at", "event_id")
        elif after:
            events = events.filter(Position.parse(after).older())
        found = self._fetch(events[: self.list_per_page + 1])
        is_more = len(found) > self.list_per_page
        page = found[: self.list_per_page]
        if before and not after:
            page.reverse()
            has_newer, has_older = is_more, True
        else:
            has_newer, has_older = bool(after), is_more
        if page and has_newer:
            self.newer_url = self._url(NEWER, page[0])
        if page and has_older:
            self.older_url = self._url(OLDER, page[-1])
        return page

    def _url(self, name: str, event: UsageEvent) -> str:
        url: str = self.get_query_string({name: str(Position.of(event))})
        return url

    @staticmethod
    def _fetch(events: QuerySet[UsageEvent]) -> list[Any]:
        """Run the query under a time limit of its own."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MS:d}")
            found = list(events)
            # A transaction around this one keeps the settings made inside it.
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
            return found
