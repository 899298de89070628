"""Set a plan's or a tenant's limits."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from accounts.management.base import PlatformCommand
from accounts.management.limits import (
    NONE,
    READERS,
    add_limit_arguments,
    check,
    limits_of,
    set_limits,
)
from accounts.management.lookups import plan_named, tenant_named
from accounts.models import Plan, Tenant


class Command(PlatformCommand):
    """Sets limits; a tenant's own win over its plan's, and the others stay."""

    help = f"Set a plan's or a tenant's limits; '{NONE}' takes one away."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose, and the limits."""
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--plan", help="The plan's name.")
        whose.add_argument("--tenant", help="The tenant's slug.")
        add_limit_arguments(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        """Fails if there is no such holder, or a limit is out of its range."""
        holder: Plan | Tenant
        if options["plan"] is not None:
            holder = plan_named(options["plan"])
        else:
            holder = tenant_named(options["tenant"])
        given = set_limits(holder, options)
        if not given:
            raise CommandError("Give at least one limit.")
        check(holder)
        holder.save(update_fields=given)
        whose = "plan" if isinstance(holder, Plan) else "tenant"
        own = limits_of(holder)
        shown = ", ".join(
            f"{name} {NONE if own[name] is None else own[name]}" for name in READERS
        )
        self.emit({whose: str(holder), **own}, text=f"{whose} {holder}: {shown}.")
