"""Put a model folder, or a provider's model, into the catalog."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DataError, IntegrityError

from accounts.management.base import PlatformCommand
from embeddings.catalog.registration import (
    Registration,
    UnfitRegistrationError,
    register,
)
from embeddings.catalog.remote_registration import RemoteRegistration, register_remote
from embeddings.engine.errors import EngineError
from embeddings.engine.manifest import DTYPE_BYTES
from embeddings.engine.spec import Truncate
from embeddings.management.providers import provider_named
from embeddings.models import EmbeddingModel

#: What a folder is read with, and a provider's model has not.
FOLDER_ONLY = ("instruction_template", "family", "route")


class Command(PlatformCommand):
    """No folder is registered that a probe has not embedded; vendors are not called."""

    help = "Check a model folder and put it, or a provider's model, into the catalog."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name, folder, and what the folder cannot say."""
        super().add_arguments(parser)
        parser.add_argument("name", help="the canonical name; usage is billed under it")
        place = parser.add_mutually_exclusive_group(required=True)
        place.add_argument("--path", type=Path, help="its folder")
        place.add_argument("--provider", help="the name of the provider that embeds")
        parser.add_argument(
            "--remote-model", help="the provider's own name for it; default: NAME"
        )
        parser.add_argument(
            "--dimensions",
            type=int,
            help="of a provider's model; default: the vendor's",
        )
        parser.add_argument("--alias", action="append", default=[], help="repeatable")
        parser.add_argument(
            "--max-tokens", type=int, help="fewer than the model could take"
        )
        parser.add_argument(
            "--matryoshka",
            type=int,
            action="append",
            default=[],
            metavar="SIZE",
            help="a smaller size that may be asked for; repeatable",
        )
        parser.add_argument(
            "--instruction-template",
            default="",
            help="holds {instruction} and {text}; without one they are ignored",
        )
        parser.add_argument(
            "--family",
            default="",
            help="where the files do not tell: instructor, or splade for a bare model",
        )
        parser.add_argument(
            "--route", default="", help="which encoder of a folder that holds several"
        )
        parser.add_argument(
            "--precision", choices=sorted(DTYPE_BYTES), default="float32"
        )
        parser.add_argument(
            "--over-length",
            choices=[rule.value for rule in Truncate],
            default="",
            help="for texts that are too long; without it, as each wire does",
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """Check, then publish."""
        try:
            model = self._register(options)
        except UnfitRegistrationError as error:
            raise CommandError(str(error)) from error
        except (IntegrityError, DataError) as error:
            raise CommandError(
                "a name has letters, digits, _ - . / and : only, at most 200"
            ) from error
        facts = {
            "name": model.name,
            "family": model.family,
            "output": model.output,
            "dimensions": model.dimensions,
            "max_tokens": model.max_tokens,
            "aliases": [alias.name for alias in model.aliases.all()],
            "fingerprint": model.fingerprint,
        }
        maker = model.family
        if model.provider is not None:
            maker = f"{model.source} of {model.provider}"
            facts |= {"provider": model.provider.name, "remote_model": model.source}
        self.emit(
            facts,
            text=f"registered {model.name}: {maker},"
            f" {model.dimensions} dimensions, {model.max_tokens} tokens",
        )

    def _register(self, options: dict[str, Any]) -> EmbeddingModel:
        if options["provider"] is not None:
            return _register_remote(options)
        for name in ("remote_model", "dimensions"):
            if options[name] is not None:
                raise CommandError("a folder says itself what it holds")
        folder = options["path"].expanduser().resolve()
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder")
        registration = Registration(
            name=options["name"],
            folder=folder,
            aliases=options["alias"],
            max_tokens=options["max_tokens"],
            matryoshka_sizes=options["matryoshka"],
            instruction_template=options["instruction_template"],
            over_length=options["over_length"],
            family=options["family"],
            route=options["route"],
            precision=options["precision"],
        )
        self.stderr.write(f"checking {folder}", self.style.NOTICE)
        try:
            return register(registration)
        except EngineError as error:
            raise CommandError(f"{folder} cannot be served: {error}") from error


def _register_remote(options: dict[str, Any]) -> EmbeddingModel:
    if any(options[name] for name in FOLDER_ONLY):
        raise CommandError("a provider's model has no family, route or template here")
    return register_remote(
        RemoteRegistration(
            name=options["name"],
            provider=provider_named(options["provider"]),
            remote_name=options["remote_model"] or options["name"],
            aliases=options["alias"],
            dimensions=options["dimensions"],
            max_tokens=options["max_tokens"],
            matryoshka_sizes=options["matryoshka"],
            over_length=options["over_length"],
        )
    )
