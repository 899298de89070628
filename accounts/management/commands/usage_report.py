"""Sum up usage."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError

from accounts import partitions
from accounts.amounts import write_money
from accounts.management.base import PlatformCommand
from accounts.management.lookups import tenant_named
from accounts.models import UsageSoFar
from accounts.months import month_named
from accounts.usage_query import UsageSum, sums_of

#: What a report may be by, as `accounts.usage_query` calls it.
GROUPINGS = {
    "day": "day",
    "hour": "hour",
    "key": "api_key",
    "model": "model",
    "tenant": "tenant",
}


class Command(PlatformCommand):
    """Prints exact sums of one month (UTC) up to this moment."""

    help = "Sum up a month's usage."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which month, whose, and by what."""
        parser.add_argument("--tenant", help="Only this tenant's, by its slug.")
        parser.add_argument("--month", help="As 2026-11 (default: this month, UTC).")
        parser.add_argument("--by", choices=sorted(GROUPINGS), default="model")

    def handle(self, *_: Any, **options: Any) -> None:
        """Fails if there is no such tenant or month."""
        try:
            start = month_named(options["month"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        end = partitions.month_start(start, later=1)
        usage = UsageSoFar.objects.filter(hour__gte=start, hour__lt=end)
        if options["tenant"] is not None:
            usage = usage.filter(tenant=tenant_named(options["tenant"]))
        by = options["by"]
        rows = [_row(sums, by=by) for sums in sums_of(usage, by=[GROUPINGS[by]])]
        self.emit(
            {"month": f"{start:%Y-%m}", "by": by, "rows": rows},
            text=_table(rows, by=by),
        )


def _row(sums: UsageSum, *, by: str) -> dict[str, Any]:
    """One line of the report; the list price is in the currency."""
    return {
        by: _group(sums.group[0], by=by),
        "requests": sums.requests,
        "failures": sums.failures,
        "refusals": sums.refusals,
        "texts": sums.texts,
        "tokens": sums.tokens,
        "truncated": sums.truncated,
        "list_price": write_money(sums.list_nanos),
    }


def _group(value: Any, *, by: str) -> Any:
    if not isinstance(value, datetime):
        return value
    return f"{value:%Y-%m-%d}" if by == "day" else f"{value:%Y-%m-%dT%H:%MZ}"


def _table(rows: list[dict[str, Any]], *, by: str) -> str:
    """Aligned columns, or a sentence when there is nothing."""
    if not rows:
        return "No usage."
    head = list(rows[0])
    cells = [head] + [[_cell(row[name]) for name in head] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if name == by else text.rjust(width)
            for name, text, width in zip(head, line, widths, strict=True)
        ).rstrip()
        for line in cells
    )


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
