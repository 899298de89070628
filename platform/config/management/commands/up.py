"""`manage.py up`: the whole platform as one foreground process tree."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import supervisor


class Command(BaseCommand):
    """PostgreSQL (unless DATABASE_URL is set), migrations, web, worker and beat."""

    help = "Run everything on this machine until Ctrl-C."
    # It makes what the checks miss.
    requires_system_checks: list[str] = []

    def handle(self, **options: Any) -> None:  # noqa: ARG002 -- Django's signature
        """Run until stopped; ends with 1 when a part died or cannot start."""
        try:
            death = supervisor.run(say=self.stdout.write)
        except supervisor.CannotStartError as error:
            raise CommandError(str(error)) from error
        if death is not None:
            self.stderr.write(f"Stopped, because {death}")
            sys.exit(1)
