"""Create a tenant."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from accounts.management.base import PlatformCommand
from accounts.models import Tenant


class Command(PlatformCommand):
    """Creates a tenant, who can do nothing before it has a key and a grant."""

    help = "Create a tenant."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """SLUG and its full name."""
        parser.add_argument("slug", help="Short name: letters, digits, - and _.")
        parser.add_argument("--name", default="", help="Full name (default: the slug).")

    def handle(self, *_: Any, slug: str, name: str, **_options: Any) -> None:
        """Fails if the slug is taken, whatever its case, or malformed."""
        tenant = Tenant(slug=slug, name=name or slug)
        try:
            tenant.full_clean()
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        tenant.save()
        self.emit(
            {"id": tenant.pk, "slug": tenant.slug, "name": tenant.name},
            text=f"Created tenant {tenant.slug}.",
        )
