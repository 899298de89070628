"""Revoke an API key."""

import re
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from accounts import secrets
from accounts.management.base import PlatformCommand
from accounts.models import ApiKey
from accounts.models.api_key import SHOWN_PREFIX_LENGTH, ApiKeyQuerySet

#: As shown to people: the prefix, an ellipsis, the last four.
SHOWN_PATTERN = re.compile(rf"(\w{{{SHOWN_PREFIX_LENGTH}}})(?:…|\.+)(\w{{4}})")


class Command(PlatformCommand):
    """Revokes a key for good: every process refuses it within a second."""

    help = "Revoke an API key."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """KEY in one of three forms."""
        parser.add_argument(
            "api_key",
            metavar="KEY",
            help="Its id, its prefix and last four as shown (emb_live_AbCd…WxYz), or - "
            "to read the secret itself from standard input.",
        )

    def handle(self, *_: Any, api_key: str, **_options: Any) -> None:
        """Fails unless exactly one key matches; a revoked one stays so."""
        found = list(_matching(api_key).select_related("tenant").order_by("pk")[:2])
        if not found:
            raise CommandError("There is no such key.")
        if len(found) > 1:
            raise CommandError("More than one key looks like this; give its id.")
        key = found[0]
        was_active = key.revoked_at is None
        key.revoke()
        self.emit(
            {
                "id": key.pk,
                "tenant": key.tenant.slug,
                "revoked_at": key.revoked_at and key.revoked_at.isoformat(),
                "was_active": was_active,
            },
            text=f"{'Revoked' if was_active else 'Was revoked already:'} {key}.",
        )


def _matching(text: str) -> ApiKeyQuerySet:
    """The keys that `text` names."""
    if text == "-":
        secret = sys.stdin.readline().strip()
        return ApiKey.objects.filter(digest=secrets.digest_of(secret))
    if secrets.SECRET_PATTERN.fullmatch(text):
        raise CommandError("Give a secret on standard input, with - as the argument.")
    if shown := SHOWN_PATTERN.fullmatch(text):
        return ApiKey.objects.filter(prefix=shown[1], last4=shown[2])
    if text.isascii() and text.isdecimal() and len(text) < 19:  # noqa: PLR2004 - 2^63
        return ApiKey.objects.filter(pk=int(text))
    raise CommandError("Give a key's id, its prefix and last four, or -.")
