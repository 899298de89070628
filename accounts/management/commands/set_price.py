"""List a price."""

from argparse import ArgumentParser
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.management.base import PlatformCommand
from accounts.models import Price


class Command(PlatformCommand):
    """Adds a price to the list; what was used before keeps the price it had."""

    help = "List a price for a model's tokens and requests."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """MODEL (or --others), the price, and since when."""
        parser.add_argument("model", nargs="?", default="", help="Canonical name.")
        parser.add_argument(
            "--others", action="store_true", help="For models without their own price."
        )
        parser.add_argument("--per-million-tokens", default="0")
        parser.add_argument("--per-request", default="0")
        parser.add_argument(
            "--from", dest="since", help="As 2026-12-01T00:00:00Z (default: now)."
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Fails for a past moment, a malformed amount, or a moment with a price."""
        if bool(options["model"]) is options["others"]:
            raise CommandError("Name a model, or say --others.")
        price = Price(
            model=options["model"],
            per_million_tokens=_amount(options["per_million_tokens"]),
            per_request=_amount(options["per_request"]),
            effective_from=_moment(options["since"]),
        )
        try:
            price.full_clean()
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        price.save()
        facts = {
            "id": price.pk,
            "model": price.model,
            "per_million_tokens": str(price.per_million_tokens),
            "per_request": str(price.per_request),
            "effective_from": price.effective_from.isoformat(),
        }
        self.emit(facts, text=f"Listed a price for {price}.")


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        raise CommandError(f"{text!r} is not an amount.") from error
    if not amount.is_finite():
        raise CommandError(f"{text!r} is not an amount.")
    return amount


def _moment(text: str | None) -> datetime:
    now = timezone.now()
    if text is None:
        return now
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise CommandError(f"{text!r} is not a moment; write it as 2026-12-01T00:00Z.")
    if moment < now:
        raise CommandError("What is past keeps its price.")
    return moment
