"""Put a tenant on a plan."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from accounts.management.base import PlatformCommand
from accounts.management.lookups import plan_named, tenant_named


class Command(PlatformCommand):
    """Gives a tenant a plan, or none; what it has of its own stays."""

    help = "Put a tenant on a plan, or on none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """TENANT, and PLAN or --none."""
        parser.add_argument("tenant", help="The tenant's slug.")
        parser.add_argument("plan", nargs="?", help="The plan's name.")
        parser.add_argument("--none", action="store_true", help="No plan from now on.")

    def handle(self, *_: Any, **options: Any) -> None:
        """Fails if there is no such tenant or plan."""
        if (options["plan"] is None) is not options["none"]:
            raise CommandError("Name a plan, or say --none.")
        tenant = tenant_named(options["tenant"])
        tenant.plan = None if options["none"] else plan_named(options["plan"])
        tenant.save(update_fields=["plan"])
        name = tenant.plan and tenant.plan.name
        self.emit(
            {"tenant": tenant.slug, "plan": name},
            text=f"Tenant {tenant.slug} has plan {name}."
            if name
            else f"Tenant {tenant.slug} has no plan.",
        )
