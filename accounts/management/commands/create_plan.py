"""Create a plan."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from accounts.amounts import json_amount
from accounts.management.base import PlatformCommand
from accounts.management.limits import (
    add_limit_arguments,
    check,
    limits_of,
    set_limits,
)
from accounts.management.lookups import quota_amount, quota_kind
from accounts.models import Plan, Quota
from accounts.quotas import BY_CODE


class Command(PlatformCommand):
    """Creates a plan with its quotas and limits, all or nothing."""

    help = "Create a plan with its quotas and limits."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """NAME and what its tenants get."""
        parser.add_argument("name", help="Any name; case does not tell plans apart.")
        parser.add_argument(
            "--quota",
            action="append",
            default=[],
            metavar="KIND=AMOUNT",
            help=f"Repeatable; kinds: {', '.join(BY_CODE)}. As rpm=600, "
            "tokens-month=50M or money-month=25.50; 0 refuses.",
        )
        add_limit_arguments(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        """Fails if the name is taken, or anything about the plan is wrong."""
        plan = Plan(name=options["name"])
        set_limits(plan, options)
        check(plan)
        amounts = _amounts(options["quota"])
        with transaction.atomic():
            plan.save()
            for code, amount in amounts.items():
                Quota.objects.create(plan=plan, kind=code, amount=amount)
        facts = {"id": plan.pk, "name": plan.name, **limits_of(plan)}
        quotas = {
            code: json_amount(amount, kind=BY_CODE[code])
            for code, amount in amounts.items()
        }
        self.emit(facts | {"quotas": quotas}, text=f"Created plan {plan.name}.")


def _amounts(pairs: list[str]) -> dict[str, int]:
    """Amounts by the code of their kind."""
    amounts: dict[str, int] = {}
    for pair in pairs:
        code, equals, text = pair.partition("=")
        if not equals:
            raise CommandError(f"{pair!r} is not a quota; write it as rpm=600.")
        kind = quota_kind(code)
        if code in amounts:
            raise CommandError(f"There are two quotas of kind {code}.")
        amounts[code] = quota_amount(text, kind=kind)
    return amounts
