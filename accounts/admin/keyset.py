"""Paging by position instead of by number: every page costs the same, however deep.

A page is found by the row next to it, in the ledger by its (time, id), through the
index that has the same order; nothing is counted and nothing is skipped over.
"""

import contextlib
from collections.abc import Iterator, Sequence
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


class KeysetChangeList(PlatformChangeList):
    """A list in one order, a page at a time."""

    newer_url: str | None = None
    older_url: str | None = None
    too_much = "Too much to search through."

    def fetch(self, place: str | None, *, is_newer: bool, count: int) -> Sequence[Any]:
        """So many rows from the top, or next to a place, the nearest first."""
        raise NotImplementedError

    def place_of(self, row: Any) -> str:
        """A row's place, as addresses hold it."""
        raise NotImplementedError

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str | None] | None = None
    ) -> QuerySet[Any]:
        """The rows that match; the position is none of the filters."""
        for name in (OLDER, NEWER):
            self.params.pop(name, None)
            self.filter_params.pop(name, None)
        return super().get_queryset(request, exclude_parameters)

    def get_results(self, request: HttpRequest) -> None:
        """Fetch the page asked for, or nothing when that takes too long."""
        self.paginator = KeysetPaginator([], self.list_per_page)
        self.can_show_all = self.show_all = self.multi_page = False
        self.show_admin_actions = False
        self.show_full_result_count = False
        try:
            with _time_limit():
                self.result_list = self._page(request)
        except OperationalError as error:
            if not isinstance(error.__cause__, QueryCanceled):
                raise
            self.result_list = []
            messages.warning(request, self.too_much)
        # Equal counts keep the theme from telling a total, which nobody counted.
        self.result_count = self.full_result_count = len(self.result_list)

    def _page(self, request: HttpRequest) -> list[Any]:
        """The page's rows in their order; sets the addresses of its neighbours."""
        older, newer = request.GET.get(OLDER), request.GET.get(NEWER)
        is_newer = bool(newer and not older)
        found = self.fetch(
            newer if is_newer else older or None,
            is_newer=is_newer,
            count=self.list_per_page + 1,
        )
        is_more = len(found) > self.list_per_page
        page = list(found[: self.list_per_page])
        if is_newer:
            page.reverse()
            has_newer, has_older = is_more, True
        else:
            has_newer, has_older = bool(older), is_more
        if page and has_newer:
            self.newer_url = self._url(NEWER, page[0])
        if page and has_older:
            self.older_url = self._url(OLDER, page[-1])
        return page

    def _url(self, name: str, row: Any) -> str:
        url: str = self.get_query_string({name: self.place_of(row)})
        return url


class LedgerChangeList(KeysetChangeList):
    """Usage events, newest first, a page at a time."""

    too_much = "Too many events to search through. Choose a tenant and a month."

    def get_ordering(
        self, request: HttpRequest, queryset: QuerySet[UsageEvent]
    ) -> list[str]:
        """Newest first, always: it is the order of the indexes."""
        return ["-occurred_at", "-event_id"]

    def fetch(
        self, place: str | None, *, is_newer: bool, count: int
    ) -> Sequence[UsageEvent]:
        """The events after or before a position."""
        events: QuerySet[UsageEvent] = self.queryset
        if place:
            position = Position.parse(place)
            events = events.filter(position.newer() if is_newer else position.older())
        if is_newer:
            events = events.order_by("occurred_at", "event_id")
        return list(events[:count])

    def place_of(self, row: UsageEvent) -> str:
        """The event's position."""
        return str(Position.of(row))


@contextlib.contextmanager
def _time_limit() -> Iterator[None]:
    """Let queries run under a time limit of their own."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MS:d}")
        yield
        # A transaction around this one keeps the settings made inside it.
        cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
