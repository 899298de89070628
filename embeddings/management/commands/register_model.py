"""Put a model folder into the catalog."""

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
from embeddings.engine.errors import EngineError
from embeddings.engine.manifest import DTYPE_BYTES
from embeddings.engine.spec import Truncate


class Command(PlatformCommand):
    """Nothing is registered that a probe has not embedded."""

    help = "Check a model folder and put it into the catalog."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name, folder, and what the folder cannot say."""
        super().add_arguments(parser)
        parser.add_argument("name", help="the canonical name; usage is billed under it")
        parser.add_argument("--path", type=Path, required=True, help="its folder")
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
            model = register(registration)
        except EngineError as error:
            raise CommandError(f"{folder} cannot be served: {error}") from error
        except UnfitRegistrationError as error:
            raise CommandError(str(error)) from error
        except (IntegrityError, DataError) as error:
            raise CommandError(
                "a name has letters, digits, _ - . / and : only, at most 200"
            ) from error
        self.emit(
            {
                "name": model.name,
                "family": model.family,
                "output": model.output,
                "dimensions": model.dimensions,
                "max_tokens": model.max_tokens,
                "aliases": [alias.name for alias in model.aliases.all()],
                "fingerprint": model.fingerprint,
            },
            text=f"registered {model.name}: {model.family},"
            f" {model.dimensions} dimensions, {model.max_tokens} tokens",
        )
