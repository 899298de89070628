"""OpenAI's usage and costs of an organization, of which a tenant is one project.

Buckets are whole hours and days of UTC: the first one holds `start_time`, and the last
one the second before `end_time`.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.authentication import Caller
from accounts.models import Scope
from accounts.quotas import NANOS
from accounts.usage_query import UsageSlice, UsageSum, usage_sums
from embeddings.dialects import dialect_below
from embeddings.errors import InvalidRequestError
from embeddings.tenant_api.base import TenantView
from embeddings.tenant_api.cursors import LARGEST, read_cursor, write_cursor
from embeddings.tenant_api.money import CURRENCY
from embeddings.tenant_api.organization_fields import (
    CostsPageFields,
    CostsQuery,
    EmbeddingsPageFields,
    EmbeddingsQuery,
)
from embeddings.tenant_api.reading import Fields, read_query
from embeddings.tenant_api.usage import canonical_names
from embeddings.types import Reply

PREFIX = "/v1/organization"
OPENAI = dialect_below(PREFIX)

WIDTHS = {"1h": timedelta(hours=1), "1d": timedelta(days=1)}
TIMES = {"1h": "hour", "1d": "day"}
#: What usage is grouped by for the fields that are not one and the same for all of it.
GROUPINGS = {"api_key_id": "api_key", "model": "model", "line_item": "model"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The buckets of one page, from `start` on and before `end`.

    The next page begins at its end, where there is one.
    """

    start: datetime
    end: datetime
    width: timedelta
    has_more: bool

    def starts(self) -> list[datetime]:
        """When each bucket begins."""
        count = (self.end - self.start) // self.width
        return [self.start + self.width * number for number in range(count)]


class OrganizationView(TenantView):
    """A view whose errors are OpenAI's."""

    scopes = frozenset({Scope.USAGE.value})
    shape = OPENAI
    wire = OPENAI.name
    query_fields: Fields

    def get(self, request: Request) -> Reply:
        """A page of buckets, those without usage too."""
        query = read_query(request.META.get("QUERY_STRING", ""), self.query_fields)
        span = _span(query)
        names = [name for name in query["group_by"] if name in GROUPINGS]
        by = list(dict.fromkeys(GROUPINGS[name] for name in names))
        found: dict[datetime, list[dict[str, Any]]] = defaultdict(list)
        for one in _sums(self.caller, query, span=span, by=by):
            start, *values = one.group
            group = self._group(query["group_by"], dict(zip(by, values, strict=True)))
            found[start].append({**self.result(one, group), **group})
        data = [
            {
                "object": "bucket",
                "start_time": int(start.timestamp()),
                "end_time": int((start + span.width).timestamp()),
                "results": found[start],
            }
            for start in span.starts()
        ]
        next_page = write_cursor([int(span.end.timestamp())]) if span.has_more else None
        return Reply(
            body={
                "object": "page",
                "data": data,
                "has_more": span.has_more,
                "next_page": next_page,
            }
        )

    def result(self, one: UsageSum, group: dict[str, Any]) -> dict[str, Any]:
        """The sums of a group, before the fields that it is grouped by."""
        raise NotImplementedError

    def _group(self, names: Sequence[str], values: dict[str, Any]) -> dict[str, Any]:
        """The fields that were asked for; no usage is a user's."""
        facts = {
            "project_id": self.caller.tenant_slug,
            "user_id": None,
            "api_key_id": str(values.get("api_key")),
            "model": values.get("model"),
            "line_item": values.get("model"),
        }
        return {name: facts[name] for name in names}


class EmbeddingsUsageView(OrganizationView):
    """What was embedded."""

    query_fields = EmbeddingsQuery

    @extend_schema(
        operation_id="openai-get-v1/organization/usage/embeddings",
        summary="Sum up tokens and requests by the hour or the day",
        parameters=[EmbeddingsQuery],
        responses=EmbeddingsPageFields,
    )
    def get(self, request: Request) -> Reply:
        """A page of buckets."""
        return super().get(request)

    def result(self, one: UsageSum, group: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """Tokens, and the requests that were served."""
        return {
            "object": "organization.usage.embeddings.result",
            "input_tokens": one.tokens,
            "num_model_requests": one.served,
            "project_id": None,
            "user_id": None,
            "api_key_id": None,
            "model": None,
        }


class CostsView(OrganizationView):
    """What it costs by the price list."""

    query_fields = CostsQuery

    @extend_schema(
        operation_id="openai-get-v1/organization/costs",
        summary="Sum up list prices by the day",
        parameters=[CostsQuery],
        responses=CostsPageFields,
    )
    def get(self, request: Request) -> Reply:
        """A page of buckets."""
        return super().get(request)

    def result(self, one: UsageSum, group: dict[str, Any]) -> dict[str, Any]:
        """The price, and of one line item the tokens."""
        is_item = "line_item" in group
        return {
            "object": "organization.costs.result",
            "amount": {"value": one.list_nanos / NANOS, "currency": CURRENCY},
            "line_item": None,
            "project_id": None,
            "api_key_id": None,
            "quantity": one.tokens if is_item else None,
            "quantity_unit": "tokens" if is_item else None,
        }


def _span(query: dict[str, Any]) -> Span:
    """The buckets that a query asks for, as many as go into one page."""
    width = WIDTHS[query["bucket_width"]]
    seconds = int(width.total_seconds())
    start = query["start_time"] // seconds * seconds
    present = int(timezone.now().timestamp()) // seconds * seconds + seconds
    end = min(present, -(-query.get("end_time", present) // seconds) * seconds)
    if "page" in query:
        (place,) = read_cursor(query["page"], kinds=[int])
        if not isinstance(place, int) or not start < place < end or place % seconds:
            raise InvalidRequestError("page: this is no page of it", param="page")
        start = place
    end = max(start, end)
    last = min(end, start + query["limit"] * seconds)
    return Span(
        start=datetime.fromtimestamp(start, UTC),
        end=datetime.fromtimestamp(last, UTC),
        width=width,
        has_more=last < end,
    )


def _sums(
    caller: Caller, query: dict[str, Any], *, span: Span, by: Sequence[str]
) -> list[UsageSum]:
    """The sums of a page; of others' projects, of users and of no keys, nothing."""
    projects, keys = query.get("project_ids"), query.get("api_key_ids")
    key_ids = tuple(
        int(text)
        for text in keys or ()
        if text.isascii() and text.isdecimal() and int(text) <= LARGEST
    )
    is_anothers = projects is not None and caller.tenant_slug not in projects
    if is_anothers or "user_ids" in query or (keys is not None and not key_ids):
        return []
    wanted = UsageSlice(
        tenant_id=caller.tenant_id,
        start=span.start,
        end=span.end,
        models=canonical_names(caller, query.get("models", [])),
        api_key_ids=key_ids,
    )
    return usage_sums(wanted, by=(TIMES[query["bucket_width"]], *by))
