"""Create a provider."""

from argparse import ArgumentParser
from typing import Any

from accounts.management.base import PlatformCommand
from embeddings.management.providers import add_provider_arguments, apply, facts_of
from embeddings.models import Provider
from embeddings.models.provider import provider_kinds


class Command(PlatformCommand):
    """Creates a provider; its credential comes from a file, stdin or a variable."""

    help = "Create a provider of models: who it is, and how it is reached."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """NAME, kind, and how it is reached."""
        parser.add_argument("name", help="Any name; case does not tell them apart.")
        parser.add_argument(
            "--kind", required=True, choices=[name for name, _ in provider_kinds()]
        )
        add_provider_arguments(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        """Fails if the name is taken, or anything about the provider is wrong."""
        provider = Provider(name=options["name"])
        apply(provider, options)
        provider.save()
        self.emit(facts_of(provider), text=f"Created provider {provider.name}.")
