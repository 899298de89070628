"""System checks of the catalog: what providers are asked with can be read.

Run by `check --database default`; a database that is not migrated yet passes.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from accounts.encryption import EncryptionError
from embeddings.models import Provider


@register(Tags.database)
def check_credentials(
    *, databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """E001 without FIELD_KEYS, W001 for each credential that they do not open."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        tables = connections[alias].introspection.table_names()
        if Provider._meta.db_table in tables:
            found += _check_database(alias)
    return found


def _check_database(alias: str) -> list[CheckMessage]:
    providers = list(Provider.objects.using(alias).exclude(credential=""))
    if providers and not settings.FIELD_KEYS:
        hint = "Set them to the keys that the credentials were encrypted with."
        message = "There are credentials of providers, and FIELD_KEYS is not set."
        return [Error(message, hint=hint, id="embeddings.E001")]
    return [
        checks.Warning(
            f"The credential of provider {provider} cannot be read.",
            hint="Add the key that it was encrypted with to FIELD_KEYS, or set the "
            "credential anew.",
            id="embeddings.W001",
        )
        for provider in providers
        if not _is_readable(provider)
    ]


def _is_readable(provider: Provider) -> bool:
    try:
        provider.secret()
    except EncryptionError:
        return False
    return True
