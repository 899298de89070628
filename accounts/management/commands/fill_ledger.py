"""Fill the ledger with made-up events, to try a platform as it is after years."""

import re
import time
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from accounts import partitions
from accounts.management import made_up
from accounts.management.base import PlatformCommand

UNITS = {"": 1, "K": 1_000, "M": 1_000_000}
MOST_TENANTS = 99_999
MOST_KEYS = 100
MOST_MONTHS = 120


class Command(PlatformCommand):
    """What is made up stays: the ledger takes nothing back."""

    help = "Fill the ledger with made-up tenants' events, for trials."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How much, of how many, since when."""
        parser.add_argument("--rows", type=_rows, required=True, help="As 500K or 10M.")
        parser.add_argument("--tenants", type=_up_to(MOST_TENANTS), default=200)
        parser.add_argument(
            "--keys", type=_up_to(MOST_KEYS), default=2, help="Of each tenant."
        )
        parser.add_argument(
            "--months",
            type=_up_to(MOST_MONTHS),
            default=3,
            help="Until now, this month (UTC) included.",
        )
        parser.add_argument(
            "--yes-to-a-database-with-tenants",
            action="store_true",
            help="Fill it although it has tenants that are not made up.",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Fails where there are real tenants, or a month is sealed."""
        real = made_up.real_tenants()
        if real and not options["yes_to_a_database_with_tenants"]:
            raise CommandError(
                f"This database has tenants ({real}), and events are never deleted. "
                "To fill it all the same, add --yes-to-a-database-with-tenants."
            )
        now, rows = timezone.now(), options["rows"]
        filling = made_up.Filling(
            rows=rows,
            tenants=options["tenants"],
            keys=options["keys"],
            start=partitions.month_start(now, later=1 - options["months"]),
            end=now,
        )
        started = time.monotonic()

        def tell(written: int) -> None:
            speed = written / (time.monotonic() - started)
            self.progress(f"{written:,} of {rows:,} events, {speed:,.0f} per second")

        try:
            rolled_up = made_up.fill(filling, tell=tell)
        except made_up.SealedError as error:
            raise CommandError(str(error)) from error
        seconds = time.monotonic() - started
        self.emit(
            {"rows": rows, "rolled_up": rolled_up, "seconds": round(seconds, 3)},
            text=f"Wrote {rows:,} events in {seconds:,.0f} s.",
        )


def _rows(text: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]{0,9})([KM]?)", text.upper(), re.ASCII)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is no number like 500K or 10M")
    return int(found[1]) * UNITS[found[2]]


def _up_to(most: int) -> Any:
    def number(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= most):
            raise ArgumentTypeError(f"{text!r} is no number from 1 to {most}")
        return int(text)

    return number
