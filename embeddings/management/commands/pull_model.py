"""Fetch a model from the hub."""

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DataError, IntegrityError
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TransferSpeedColumn,
)

from accounts.management.base import PlatformCommand
from embeddings.catalog.hub import HubError
from embeddings.catalog.pulling import find, pull
from embeddings.catalog.registration import UnfitRegistrationError
from embeddings.engine.errors import EngineError


class Command(PlatformCommand):
    """Nothing is published that was not checked, file by file and by a probe."""

    help = "Fetch a model of the catalog, or a hub id that becomes one."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name, and which revision."""
        super().add_arguments(parser)
        parser.add_argument("name", help="a name of the catalog, or org/name")
        parser.add_argument("--revision", help="a commit, tag or branch of the hub")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """Fetch, check, publish; broken off, the next run goes on."""
        name = options["name"]
        if find(name) is None and "/" not in name:
            raise CommandError(f"the catalog has no {name!r}; hub ids are org/name")
        columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn())
        console = Console(file=sys.stderr)
        bar = Progress(TextColumn(name), *columns, console=console, transient=True)
        try:
            with bar:
                task = bar.add_task("", total=None)
                model = pull(
                    name,
                    revision=options["revision"],
                    report=lambda done, total: bar.update(
                        task, completed=done, total=total
                    ),
                )
        except (HubError, EngineError, UnfitRegistrationError) as error:
            raise CommandError(f"{error}") from error
        except (IntegrityError, DataError) as error:
            raise CommandError(f"{name!r} cannot be a name of the catalog") from error
        note = model.downloads.first()
        self.emit(
            {
                "name": model.name,
                "source": model.source,
                "revision": note.revision if note else "",
                "bytes": note.bytes_total if note else 0,
                "family": model.family,
                "output": model.output,
                "dimensions": model.dimensions,
                "max_tokens": model.max_tokens,
                "fingerprint": model.fingerprint,
            },
            text=f"pulled {model.name}: {model.family}, {model.output}, "
            f"{model.dimensions} dimensions, {model.max_tokens} tokens",
        )
