"""`manage.py prepare`: bring database and disk to where the platform can serve."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from config import bootstrap, demo


class Command(BaseCommand):
    """Migrations, queue, partitions, shipped models and static files; run it freely."""

    help = "Prepare the database and static files; safe to run at any time."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--demo",
            action="store_true",
            help="also a tenant 'demo' with a key in DATA_DIR/demo-key, and an admin",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **options: Any) -> None:
        """Prepare, and say what a person must know."""
        bootstrap.prepare()
        password = None
        if options["demo"]:
            demo.ensure_tenant(settings.DATA_DIR / "demo-key")
            password = demo.ensure_admin()
        if options["json"]:
            self.stdout.write(json.dumps({"admin_password": password}))
        elif password:
            self.stdout.write(f"The admin user is {demo.ADMIN}, password {password}")
        else:
            self.stdout.write("Ready.")
