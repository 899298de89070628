"""What the tenant used, summed as it asks."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from accounts.authentication import Caller
from accounts.models import Scope
from accounts.partitions import month_start
from accounts.rollups import SUMS
from accounts.usage_query import UsageSlice, UsageSum, usage_sums
from embeddings.catalog.lookup import resolve
from embeddings.errors import InvalidRequestError, ModelNotFoundError
from embeddings.tenant_api.base import TenantView
from embeddings.tenant_api.cursors import LARGEST, Place, read_cursor, write_cursor
from embeddings.tenant_api.money import CURRENCY, amount_of
from embeddings.tenant_api.reading import HourField, read_query
from embeddings.types import Reply

HOUR = timedelta(hours=1)
#: So that one answer reads a bounded number of hours.
LONGEST = timedelta(days=400)
LONGEST_BY_HOUR = timedelta(days=32)
MAX_ROWS = 5_000

TIMES = ("day", "hour")
GROUPS = (*TIMES, "model", "api_key")
#: How a cursor holds each.
KINDS: Mapping[str, type[Place]] = dict.fromkeys(GROUPS, int) | {"model": str}


class UsageQuery(serializers.Serializer[Any]):
    """Which usage, and by what it is summed."""

    to = HourField(
        required=False, help_text="Before this time; the present unless given."
    )
    group_by = serializers.ListField(
        child=serializers.ChoiceField(GROUPS),
        default=list,
        help_text="Day or hour, model, api_key: any of them.",
    )
    model = serializers.ListField(
        child=serializers.CharField(max_length=200), default=list
    )
    api_key = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=LARGEST),
        default=list,
        help_text="Ids of API keys.",
    )
    limit = serializers.IntegerField(min_value=1, max_value=MAX_ROWS, default=1000)
    page = serializers.CharField(required=False, max_length=1000)

    def get_fields(self) -> dict[str, Any]:
        """The fields above, and one whose name Python keeps for itself."""
        since = HourField(
            required=False, help_text="From this time on; this month's unless given."
        )
        return {"from": since, **super().get_fields()}

    def validate_group_by(self, value: list[str]) -> list[str]:
        """Each once, and hours or days."""
        if len(set(value)) < len(value) or set(TIMES) <= set(value):
            raise serializers.ValidationError(
                "Name each group once, and only one of day and hour."
            )
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Set the times, and bound what lies between them."""
        now = timezone.now()
        attrs.setdefault("from", month_start(now))
        attrs.setdefault("to", now.replace(minute=0, second=0, microsecond=0) + HOUR)
        if attrs["from"] >= attrs["to"]:
            raise serializers.ValidationError({"to": "It must be later than from."})
        longest = LONGEST_BY_HOUR if "hour" in attrs["group_by"] else LONGEST
        if attrs["to"] - attrs["from"] > longest:
            raise serializers.ValidationError(
                {"from": f"Ask for at most {longest.days} days before to."}
            )
        return attrs


class UsageRowFields(serializers.Serializer[Any]):
    """The sums of one group; only groups with usage are listed."""

    day = serializers.DateField(required=False)
    hour = serializers.DateTimeField(required=False)
    model = serializers.CharField(required=False)
    api_key = serializers.IntegerField(required=False)
    requests = serializers.IntegerField(help_text="Answered, failures and replays too.")
    failures = serializers.IntegerField()
    replays = serializers.IntegerField(help_text="Repeated by an Idempotency-Key.")
    refusals = serializers.IntegerField(help_text="Refused by a quota; no requests.")
    texts = serializers.IntegerField()
    tokens = serializers.IntegerField()
    truncated = serializers.IntegerField(help_text="Texts that were cut.")
    list_nanos = serializers.IntegerField(
        help_text="List price in thousand-millionths of the currency."
    )
    list_amount = serializers.CharField(help_text="The same in the currency.")
    latency_p50_ms = serializers.FloatField(
        allow_null=True, help_text="At most √2 times the true figure."
    )
    latency_p95_ms = serializers.FloatField(allow_null=True)


class UsageFields(serializers.Serializer[Any]):
    """A page of sums."""

    to = serializers.DateTimeField()
    group_by = serializers.ListField(child=serializers.ChoiceField(GROUPS))
    currency = serializers.CharField()
    data = UsageRowFields(many=True)  # type: ignore[assignment] # just a field's name
    next_page = serializers.CharField(allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        """The fields above, and one whose name Python keeps for itself."""
        return {"from": serializers.DateTimeField(), **super().get_fields()}


class UsageView(TenantView):
    """The tenant's usage up to this moment."""

    scopes = frozenset({Scope.USAGE.value})

    @extend_schema(
        operation_id="tenant-usage",
        summary="Sum up the tenant's usage by day or hour, model and key",
        parameters=[UsageQuery],
        responses=UsageFields,
    )
    def get(self, request: Request) -> Reply:
        """Exact sums of each group with usage, in order."""
        query = read_query(request.META.get("QUERY_STRING", ""), UsageQuery)
        by, limit = query["group_by"], query["limit"]
        wanted = UsageSlice(
            tenant_id=self.caller.tenant_id,
            start=query["from"],
            end=query["to"],
            models=canonical_names(self.caller, query["model"]),
            api_key_ids=tuple(query["api_key"]),
        )
        found = usage_sums(wanted, by=by, after=_after(query), limit=limit + 1)
        has_more = len(found) > limit
        page = found[:limit]
        answer = {
            "from": wanted.start,
            "to": wanted.end,
            "group_by": by,
            "currency": CURRENCY,
            "data": [_row(one, by) for one in page],
            "next_page": _cursor(page[-1], by) if has_more else None,
        }
        return Reply(body=UsageFields(answer).data)


def canonical_names(caller: Caller, names: list[str]) -> tuple[str, ...]:
    """What usage is billed under; a name that is granted no more means itself."""
    return tuple(_canonical_name(caller, name) for name in names)


def _canonical_name(caller: Caller, name: str) -> str:
    try:
        return resolve(caller, name).name
    except ModelNotFoundError:
        return name


def _row(one: UsageSum, by: list[str]) -> dict[str, Any]:
    return {
        **{
            name: value.date() if name == "day" else value
            for name, value in zip(by, one.group, strict=True)
        },
        **{name: getattr(one, name) for name in SUMS},
        "list_amount": amount_of(one.list_nanos),
        "latency_p50_ms": one.latency_ms(0.5),
        "latency_p95_ms": one.latency_ms(0.95),
    }


def _cursor(one: UsageSum, by: list[str]) -> str:
    """The page after a group."""
    return write_cursor(
        [
            int(value.timestamp()) if name in TIMES else value
            for name, value in zip(by, one.group, strict=True)
        ]
    )


def _after(query: dict[str, Any]) -> list[Any] | None:
    """The group that a cursor comes after."""
    by = query["group_by"]
    if "page" not in query:
        return None
    place = read_cursor(query["page"], kinds=[KINDS[name] for name in by])
    try:
        return [
            datetime.fromtimestamp(int(value), UTC) if name in TIMES else value
            for name, value in zip(by, place, strict=True)
        ]
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidRequestError("page: this is no such time", param="page") from error
