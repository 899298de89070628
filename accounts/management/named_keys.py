"""API keys as operators name them: by id, as shown, or by the secret itself."""

import re
import sys

from django.core.management.base import CommandError

from accounts import secrets
from accounts.models import ApiKey
from accounts.models.api_key import SHOWN_PREFIX_LENGTH, ApiKeyQuerySet

#: As shown to people: the prefix, an ellipsis, the last four.
SHOWN_PATTERN = re.compile(rf"(\w{{{SHOWN_PREFIX_LENGTH}}})(?:…|\.+)(\w{{4}})")
HELP = (
    "Its id, its prefix and last four as shown (emb_live_AbCd…WxYz), or - to read the "
    "secret itself from standard input."
)


def key_named(text: str) -> ApiKey:
    """The one key that `text` names; raises `CommandError` unless it is just one."""
    found = list(_matching(text).select_related("tenant").order_by("pk")[:2])
    if not found:
        raise CommandError("There is no such key.")
    if len(found) > 1:
        raise CommandError("More than one key looks like this; give its id.")
    return found[0]


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
