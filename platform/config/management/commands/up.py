"""`manage.py up`: the whole platform as one foreground process tree."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import supervisor, welcome


class Command(BaseCommand):
    """PostgreSQL (unless DATABASE_URL is set), migrations, web, worker and beat."""

    help = "Run everything on this machine until Ctrl-C."
    # It makes what the checks miss.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--json",
            action="store_true",
            help="once it serves, print one JSON object instead of text",
        )

    def handle(self, **options: Any) -> None:
        """Run until stopped; ends with 1 when a part died or cannot start."""
        greet = welcome.as_json if options["json"] else welcome.text
        try:
            death = supervisor.run(say=self.stdout.write, greet=greet)
        except supervisor.CannotStartError as error:
            raise CommandError(str(error)) from error
        if death is not None:
            self.stderr.write(f"Stopped, because {death}")
            sys.exit(1)
