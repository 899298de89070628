"""What the platform's commands have in common: plain sentences, or JSON."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError, ProgrammingError
from psycopg.errors import UndefinedTable

JsonObject = Mapping[str, Any]


class PlatformCommand(BaseCommand):
    """A command with `--json` that fails with one sentence and exit code 1."""

    requires_system_checks = ()
    _called_from_command_line: bool
    _wants_json = False

    def create_parser(
        self, prog_name: str, subcommand: str, **kwargs: Any
    ) -> CommandParser:
        """The parser with `--json`; commands add the rest in `add_arguments`."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.add_argument(
            "--json", action="store_true", help="Print JSON instead of text."
        )
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run; from the command line a `CommandError` becomes its sentence alone."""
        self._wants_json = options["json"]
        try:
            return self._execute(*args, **options)
        except CommandError as error:
            if not self._called_from_command_line or options["traceback"]:
                raise
            self.stderr.write(str(error))
            raise SystemExit(error.returncode) from error

    def emit(self, value: JsonObject | Sequence[JsonObject], *, text: str) -> None:
        """Print the result: `value` with `--json`, else `text`."""
        self.stdout.write(json.dumps(value, default=str) if self._wants_json else text)

    def progress(self, text: str) -> None:
        """Tell a person at a terminal what takes its time; pipes see nothing of it."""
        if self.stderr.isatty():
            self.stderr.write(text, style_func=str)

    def _execute(self, *args: Any, **options: Any) -> str | None:
        if not settings.DATABASES["default"]["NAME"]:
            raise CommandError(
                "There is no database: start the platform with `make run`, "
                "or set DATABASE_URL."
            )
        try:
            return super().execute(*args, **options)
        except (OperationalError, InterfaceError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise CommandError(f"The database does not answer: {reason}") from error
        except ProgrammingError as error:
            if not isinstance(error.__cause__, UndefinedTable):
                raise
            raise CommandError(
                "The database is not prepared: run `manage.py prepare`."
            ) from error
