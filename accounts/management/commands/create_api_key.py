"""Issue an API key for a tenant."""

from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.management.base import PlatformCommand
from accounts.models import ApiKey, IssuedKey, Scope, Tenant
from accounts.models.api_key import default_scopes


class Command(PlatformCommand):
    """Issues a key and prints its secret, which is stored nowhere."""

    help = "Issue an API key for a tenant; its secret is shown once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """TENANT and what the key may do."""
        parser.add_argument("tenant", help="The tenant's slug.")
        parser.add_argument("--name", default="command line", help="What it is for.")
        parser.add_argument(
            "--scope",
            action="append",
            choices=Scope.values,
            help=f"Repeatable; default: {', '.join(default_scopes())}.",
        )
        parser.add_argument(
            "--model",
            action="append",
            default=[],
            help="Hold the key to this canonical model name; repeatable.",
        )
        expiry = parser.add_mutually_exclusive_group()
        expiry.add_argument("--expires-in-days", type=int, metavar="DAYS")
        expiry.add_argument(
            "--expires-at", metavar="TIME", help="ISO 8601; UTC unless it says more."
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Fails if there is no such tenant, or the expiry is not to come."""
        tenant = Tenant.objects.filter(slug__iexact=options["tenant"]).first()
        if tenant is None:
            raise CommandError(f"There is no tenant {options['tenant']!r}.")
        expires_at = _expiry(options["expires_in_days"], options["expires_at"])
        issued = _issue(
            tenant,
            name=options["name"],
            scopes=options["scope"] or default_scopes(),
            model_names=options["model"],
            expires_at=expires_at,
        )
        self.emit(_shown(issued), text=f"{issued.secret}\nThe key is shown once.")


def _expiry(days: int | None, text: str | None) -> datetime | None:
    """The moment asked for, or None for a key that lasts."""
    if days is None and text is None:
        return None
    try:
        moment = (
            timezone.now() + timedelta(days=days)
            if days is not None
            else parse_datetime(text or "")
        )
    except (ValueError, OverflowError) as error:
        raise CommandError("The expiry is not a time that exists.") from error
    if moment is None:
        raise CommandError("Write the expiry as 2030-12-31T23:59:59Z.")
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment <= timezone.now():
        raise CommandError("The expiry must lie in the future.")
    return moment


def _issue(tenant: Tenant, **fields: Any) -> IssuedKey:
    """Issue the key if its fields are valid."""
    try:
        ApiKey(tenant=tenant, **fields).clean_fields(
            exclude=["digest", "prefix", "last4"]
        )
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error
    return ApiKey.objects.issue(tenant=tenant, **fields)


def _shown(issued: IssuedKey) -> dict[str, Any]:
    api_key = issued.api_key
    return {
        "key": issued.secret,
        "id": api_key.pk,
        "tenant": api_key.tenant.slug,
        "name": api_key.name,
        "scopes": api_key.scopes,
        "models": api_key.model_names,
        "expires_at": api_key.expires_at and api_key.expires_at.isoformat(),
    }
