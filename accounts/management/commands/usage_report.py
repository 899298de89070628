"""Sum up the ledger."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from accounts import partitions
from accounts.management.base import PlatformCommand
from accounts.models import Tenant, UsageEvent
from accounts.models.usage import GROUPINGS
from accounts.months import month_named


class Command(PlatformCommand):
    """Prints exact sums of one month (UTC), straight from the ledger."""

    help = "Sum up a month's usage from the ledger."

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
        events = UsageEvent.objects.between(start, end)
        if options["tenant"] is not None:
            events = events.for_tenant(_tenant(options["tenant"]))
        rows = events.sums_by(options["by"])
        self.emit(
            {"month": f"{start:%Y-%m}", "by": options["by"], "rows": rows},
            text=_table(rows, by=options["by"]),
        )


def _tenant(slug: str) -> Tenant:
    tenant = Tenant.objects.filter(slug__iexact=slug).first()
    if tenant is None:
        raise CommandError(f"There is no tenant {slug!r}.")
    return tenant


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
