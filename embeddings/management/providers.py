"""What the commands about providers have in common: arguments, checks, facts."""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.management.base import CommandError

from accounts.encryption import EncryptionError
from embeddings.models import Provider

#: Columns that options of the same name set.
PLAIN = ("kind", "url", "timeout_s", "attempts", "concurrency")


def provider_named(name: str, *, for_update: bool = False) -> Provider:
    """The provider with this name, whatever its case; perhaps locked."""
    rows = Provider.objects.filter(name__iexact=name)
    provider = (rows.select_for_update() if for_update else rows).first()
    if provider is None:
        raise CommandError(f"There is no provider {name!r}.")
    return provider


def add_provider_arguments(parser: ArgumentParser) -> None:
    """How a provider is reached; a credential is never an argument itself."""
    parser.add_argument("--url", metavar="URL", help="'': the vendor's own.")
    credential = parser.add_mutually_exclusive_group()
    credential.add_argument(
        "--credential-file",
        metavar="FILE",
        help="The file that holds the credential; - is standard input.",
    )
    credential.add_argument(
        "--credential-env",
        metavar="VARIABLE",
        help="The environment variable that holds the credential.",
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        metavar="HOST",
        help="May lie in a private network or do without TLS; repeatable.",
    )
    parser.add_argument(
        "--option",
        action="append",
        metavar="NAME=TEXT",
        help="As api_version=2024-10-21 for Azure; repeatable.",
    )
    parser.add_argument("--timeout-s", type=float, help="How long one try may take.")
    parser.add_argument("--attempts", type=int, help="Tries of one call in all.")
    parser.add_argument(
        "--concurrency", type=int, help="Calls at once, of each serving process."
    )


def apply(provider: Provider, options: Mapping[str, Any]) -> bool:
    """Set what the options say, unsaved, and check the whole; whether they say any.

    Fails with one sentence about what is wrong.
    """
    given = {name: options[name] for name in PLAIN if options.get(name) is not None}
    if options["allow_host"] is not None:
        given["allowed_hosts"] = [host for host in options["allow_host"] if host]
    if options["option"] is not None:
        given["options"] = _pairs(options["option"])
    before = provider.destination
    for name, value in given.items():
        setattr(provider, name, value)
    secret = _credential(options)
    has_kept = provider.has_credential and secret is None
    if options.get("remove_credential"):
        provider.remove_credential()
    elif has_kept and provider.destination != before:
        raise CommandError(
            "The credential would go to another vendor or host: give it again, or "
            "--remove-credential."
        )
    try:
        provider.full_clean()
        if secret is not None:
            provider.set_credential(secret)
    except ValidationError as error:
        raise CommandError(_sentence(error)) from error
    except EncryptionError as error:
        raise CommandError(f"The credential cannot be kept: {error}.") from error
    return bool(given) or secret is not None


def facts_of(provider: Provider) -> dict[str, Any]:
    """A provider as JSON; of the credential only whether and since when it is set."""
    set_at = provider.credential_set_at
    return {
        "id": provider.pk,
        "name": provider.name,
        "kind": provider.kind,
        "url": provider.url,
        "allowed_hosts": provider.allowed_hosts,
        "options": provider.options,
        "timeout_s": provider.timeout_s,
        "attempts": provider.attempts,
        "concurrency": provider.concurrency,
        "enabled": provider.is_enabled,
        "credential_set_at": set_at and set_at.isoformat(),
    }


def _sentence(error: ValidationError) -> str:
    """What is wrong, with the field's name where one is."""
    if not hasattr(error, "error_dict"):
        return " ".join(error.messages)
    return " ".join(
        text if field == NON_FIELD_ERRORS else f"{field}: {text}"
        for field, texts in error.message_dict.items()
        for text in texts
    )


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in filter(None, texts):
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise CommandError(
                f"{text!r} is not an option; write it as api_version=2024-10-21."
            )
        pairs[name] = value
    return pairs


def _credential(options: Mapping[str, Any]) -> str | None:
    """What is to be the credential, None for what there is."""
    if options["credential_env"] is not None:
        secret = os.environ.get(options["credential_env"])
        if secret is None:
            raise CommandError(f"{options['credential_env']} is not set.")
        return secret
    if options["credential_file"] == "-":
        return sys.stdin.read()
    if options["credential_file"] is None:
        return None
    try:
        return Path(options["credential_file"]).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"The credential cannot be read: {error}.") from error
