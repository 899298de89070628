"""Revoke an API key."""

from argparse import ArgumentParser
from typing import Any

from accounts.management.base import PlatformCommand
from accounts.management.named_keys import HELP, key_named


class Command(PlatformCommand):
    """Revokes a key for good: every process refuses it within a second."""

    help = "Revoke an API key."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """KEY in one of three forms."""
        parser.add_argument("api_key", metavar="KEY", help=HELP)

    def handle(self, *_: Any, api_key: str, **_options: Any) -> None:
        """Fails unless exactly one key matches; a revoked one stays so."""
        key = key_named(api_key)
        was_active = key.revoked_at is None
        key.revoke()
        self.emit(
            {
                "id": key.pk,
                "tenant": key.tenant.slug,
                "revoked_at": key.revoked_at and key.revoked_at.isoformat(),
                "was_active": was_active,
            },
            text=f"{'Revoked' if was_active else 'Was revoked already:'} {key}.",
        )
