"""Replace an API key by a new one."""

import re
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError

from accounts.keys import OVERLAP, NotActiveError, rotate
from accounts.management.base import PlatformCommand
from accounts.management.named_keys import HELP, key_named

DURATION = re.compile(r"(\d{1,7})([smhd]?)", re.ASCII)
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


class Command(PlatformCommand):
    """Issues a key that may do the same, and lets the old one expire."""

    help = "Replace an API key by a new one; its secret is shown once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """KEY in one of three forms, and how long both are accepted."""
        parser.add_argument("api_key", metavar="KEY", help=HELP)
        parser.add_argument(
            "--overlap",
            default=f"{OVERLAP.days}d",
            metavar="TIME",
            help="How long the old key works on: 90s, 30m, 12h, 1d (default), 30d at "
            "most; 0 ends it at once.",
        )

    def handle(self, *_: Any, api_key: str, overlap: str, **_options: Any) -> None:
        """Fails unless exactly one key matches, and is accepted now."""
        old = key_named(api_key)
        try:
            issued = rotate(old, overlap=_duration(overlap))
        except NotActiveError as error:
            raise CommandError("The key is revoked or expired; create one.") from error
        except ValueError as error:
            raise CommandError(f"{str(error).capitalize()}.") from error
        new = issued.api_key
        self.emit(
            {
                "key": issued.secret,
                "id": new.pk,
                "tenant": old.tenant.slug,
                "name": new.name,
                "expires_at": new.expires_at and new.expires_at.isoformat(),
                "replaces": {
                    "id": old.pk,
                    "expires_at": old.expires_at and old.expires_at.isoformat(),
                },
            },
            text=f"{issued.secret}\nThe key is shown once. {old} ends at "
            f"{old.expires_at:%Y-%m-%d %H:%M:%S} UTC.",
        )


def _duration(text: str) -> timedelta:
    """Seconds, minutes, hours or days; raises `CommandError`."""
    found = DURATION.fullmatch(text.strip())
    if found is None:
        raise CommandError("Write the overlap as 90s, 30m, 12h, 1d or 0.")
    return timedelta(seconds=int(found[1]) * UNITS[found[2]])
