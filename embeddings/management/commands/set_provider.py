"""Change a provider."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from accounts.management.base import PlatformCommand
from embeddings.management.providers import (
    add_provider_arguments,
    apply,
    facts_of,
    provider_named,
)
from embeddings.models.provider import provider_kinds


class Command(PlatformCommand):
    """Sets what is given; the rest stays, the credential included."""

    help = "Change how a provider is reached, its credential, or whether it is asked."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """NAME, and what changes."""
        parser.add_argument("name", help="The provider's name.")
        parser.add_argument("--kind", choices=[name for name, _ in provider_kinds()])
        add_provider_arguments(parser)
        parser.add_argument(
            "--remove-credential", action="store_true", help="Forget it."
        )
        switch = parser.add_mutually_exclusive_group()
        switch.add_argument(
            "--enable", dest="is_enabled", action="store_true", default=None
        )
        switch.add_argument(
            "--disable",
            dest="is_enabled",
            action="store_false",
            help="Its models are not available until --enable.",
        )

    @transaction.atomic
    def handle(self, *_: Any, **options: Any) -> None:
        """Fails if there is no such provider, or anything about it is wrong."""
        provider = provider_named(options["name"], for_update=True)
        is_enabled = options["is_enabled"]
        if is_enabled is not None:
            provider.is_enabled = is_enabled
        has_changed = apply(provider, options)
        if not has_changed and is_enabled is None and not options["remove_credential"]:
            raise CommandError("Say what to change.")
        if has_changed:
            provider.forget_trouble()
        provider.save()
        self.emit(facts_of(provider), text=f"Changed provider {provider.name}.")
