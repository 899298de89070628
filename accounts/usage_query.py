"""Sums of usage up to this moment, by hour, day, model or key: exact, whoever asks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import models
from django.db.models.functions import TruncDay

from accounts.latency import BUCKETS, quantile_us
from accounts.models import UsageSoFar
from accounts.rollups import SUMS

#: What sums may be grouped by. Hours and days are in UTC.
GROUPINGS: dict[str, models.expressions.Combinable] = {
    "hour": models.F("hour"),
    "day": TruncDay("hour", tzinfo=UTC),
    "model": models.F("model"),
    "api_key": models.F("api_key_id"),
    "tenant": models.F("tenant__slug"),
}
#: The ORM refuses aliases that are names of columns.
_ALIAS = "by_{}"
_SUM = "sum_{}"


class SumHistograms(models.Aggregate):
    """Histograms added up bucket by bucket, without a function call per row."""

    template = "ARRAY[{}]".format(
        ", ".join(f"sum(%(expressions)s[{n}])::bigint" for n in range(1, BUCKETS + 1))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageSlice:
    """Which usage is summed: a tenant's, from the hour `start` on and before `end`.

    Empty `models` (canonical names) and `api_key_ids` mean all.
    """

    tenant_id: int
    start: datetime
    end: datetime
    models: tuple[str, ...] = ()
    api_key_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageSum:
    """The sums of one group; `group` has the value of each grouping asked for."""

    group: tuple[Any, ...]
    requests: int
    failures: int
    replays: int
    refusals: int
    texts: int
    tokens: int
    truncated: int
    list_nanos: int
    latency: Sequence[int] = field(default=(), repr=False)

    @property
    def served(self) -> int:
        """Requests that were answered with what they asked for."""
        return self.requests - self.failures

    def latency_ms(self, fraction: float) -> float | None:
        """The bound below which this fraction of the latencies lie; None: of none."""
        found = quantile_us(self.latency, fraction)
        return None if found is None else found / 1000


def usage_sums(
    wanted: UsageSlice,
    *,
    by: Sequence[str] = (),
    after: Sequence[Any] | None = None,
    limit: int | None = None,
) -> list[UsageSum]:
    """The sums of each group that has any usage, in the groups' order.

    `by` names some of `GROUPINGS`; without any there is one sum of all, if there is
    usage. At most `limit` groups, those that come after the group `after`.
    """
    rows = UsageSoFar.objects.filter(
        tenant_id=wanted.tenant_id, hour__gte=wanted.start, hour__lt=wanted.end
    )
    if wanted.models:
        rows = rows.filter(model__in=wanted.models)
    if wanted.api_key_ids:
        rows = rows.filter(api_key_id__in=wanted.api_key_ids)
    return sums_of(rows, by=by, after=after, limit=limit)


def sums_of(
    rows: models.QuerySet[UsageSoFar],
    *,
    by: Sequence[str] = (),
    after: Sequence[Any] | None = None,
    limit: int | None = None,
) -> list[UsageSum]:
    """The sums of any rows as in `usage_sums`; a grouping `-day` has the last first."""
    names = [name.removeprefix("-") for name in by]
    aliases = [_ALIAS.format(name) for name in names]
    rows = rows.annotate(
        **{alias: GROUPINGS[name] for alias, name in zip(aliases, names, strict=True)}
    )
    order = [
        f"-{alias}" if name.startswith("-") else alias
        for alias, name in zip(aliases, by, strict=True)
    ]
    if after is not None:
        rows = rows.filter(_comes_after(order, after))
    sums: dict[str, models.Aggregate] = {
        _SUM.format(name): models.Sum(name) for name in SUMS
    }
    sums[_SUM.format("latency")] = SumHistograms("latency")
    if not aliases:
        total = rows.aggregate(**sums, rows=models.Count("*"))
        return [_usage_sum(total, aliases)] if total["rows"] else []
    grouped = rows.order_by().values(*aliases).annotate(**sums).order_by(*order)
    return [_usage_sum(row, aliases) for row in grouped[:limit]]


def _comes_after(order: Sequence[str], after: Sequence[Any]) -> models.Q:
    """Whether a row's group comes after another, compared from the first name on."""
    later, equal = models.Q(), models.Q()
    for name, value in zip(order, after, strict=True):
        alias = name.removeprefix("-")
        beyond = f"{alias}__lt" if name.startswith("-") else f"{alias}__gt"
        later |= equal & models.Q(**{beyond: value})
        equal &= models.Q(**{alias: value})
    return later


def _usage_sum(row: dict[str, Any], aliases: Sequence[str]) -> UsageSum:
    return UsageSum(
        group=tuple(row[alias] for alias in aliases),
        latency=row[_SUM.format("latency")],
        **{name: int(row[_SUM.format(name)]) for name in SUMS},
    )
