"""Set a quota."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from accounts.amounts import json_amount, write_amount
from accounts.management.base import PlatformCommand
from accounts.management.lookups import (
    plan_named,
    quota_amount,
    quota_kind,
    tenant_named,
)
from accounts.management.named_keys import HELP, key_named
from accounts.models import ApiKey, Plan, Quota, Tenant
from accounts.quotas import BY_CODE

Holder = Plan | Tenant | ApiKey


class Command(PlatformCommand):
    """Sets, changes or takes away one quota, in force everywhere at once."""

    help = "Set what a plan's tenants, a tenant, or a key may use of a kind."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose, of which kind, and how much."""
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--plan", help="The plan's name.")
        whose.add_argument("--tenant", help="The tenant's slug.")
        whose.add_argument("--key", help=HELP)
        parser.add_argument(
            "kind", metavar="KIND", help=f"One of {', '.join(BY_CODE)}."
        )
        parser.add_argument(
            "amount",
            metavar="AMOUNT",
            nargs="?",
            help="As 1500, 500k or 2M; money in the currency, as 25.50. 0 refuses.",
        )
        parser.add_argument(
            "--none", action="store_true", help="Take it away: no bound from now on."
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Fails if there is no such holder or kind, or the amount is none."""
        kind = quota_kind(options["kind"])
        if (options["amount"] is None) is not options["none"]:
            raise CommandError("Give an amount, or say --none.")
        whose, holder = _holder(options)
        quota: dict[str, Any] = {whose: holder, "kind": kind.code}
        name = f"{kind.code} of {whose.replace('_', ' ')} {holder}"
        shown: int | str | None = None
        if options["none"]:
            Quota.objects.filter(**quota).delete()
            text = f"There is no quota {name}."
        else:
            amount = quota_amount(options["amount"], kind=kind)
            Quota.objects.update_or_create(defaults={"amount": amount}, **quota)
            shown = json_amount(amount, kind=kind)
            text = f"Quota {name} is {write_amount(amount, kind=kind)}."
        facts = quota | {whose: _shown(holder), "amount": shown}
        self.emit(facts, text=text)


def _holder(options: Mapping[str, Any]) -> tuple[str, Holder]:
    """The column that refers to the holder, and the holder."""
    if options["plan"] is not None:
        return "plan", plan_named(options["plan"])
    if options["tenant"] is not None:
        return "tenant", tenant_named(options["tenant"])
    return "api_key", key_named(options["key"])


def _shown(holder: Holder) -> int | str:
    return holder.pk if isinstance(holder, ApiKey) else str(holder)
