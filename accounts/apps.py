"""The accounts app: its system checks, and the rows and partitions it needs."""

from typing import Any

from django.apps import AppConfig
from django.apps import apps as present_apps
from django.db import DEFAULT_DB_ALIAS
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    """Tenants, keys and the ledger."""

    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks, and prepare the tables whenever they were migrated."""
        from accounts import checks  # noqa: F401, PLC0415 - models must be loaded first

        post_migrate.connect(prepare_tables, sender=self)


def prepare_tables(using: str, **kwargs: Any) -> None:
    """Restore the revision row and make partitions ahead, after migrate and flush."""
    from accounts import partitions  # noqa: PLC0415 - models must be loaded first
    from accounts.models import Revision  # noqa: PLC0415

    try:
        kwargs.get("apps", present_apps).get_model("accounts", "UsageEvent")
    except LookupError:  # Migrated back to before there was a ledger.
        return
    if using == DEFAULT_DB_ALIAS:
        Revision.objects.restore()
        partitions.ensure_ahead()
