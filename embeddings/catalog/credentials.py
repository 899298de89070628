"""Providers' credentials under the newest key."""

from dataclasses import dataclass

from django.db import transaction

from accounts.encryption import EncryptionError, renew
from embeddings.models import Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """How many credentials were re-encrypted and how many were under the first key.

    `unreadable` names the providers whose credential none of the keys opens.
    """

    renewed: int
    current: int
    unreadable: tuple[str, ...]


def rotate() -> Rotation:
    """Re-encrypt every credential with the first of FIELD_KEYS; may be repeated.

    Those that cannot be read stay as they are.
    """
    renewed = current = 0
    unreadable: list[str] = []
    for pk in Provider.objects.exclude(credential="").values_list("pk", flat=True):
        with transaction.atomic():
            # Whoever sets a new credential meanwhile waits, or is waited for.
            row = Provider.objects.select_for_update().filter(pk=pk).first()
            if row is None or not row.has_credential:
                continue
            try:
                fresh = renew(row.credential)
            except EncryptionError:
                unreadable.append(row.name)
                continue
            if fresh is None:
                current += 1
            else:
                Provider.objects.filter(pk=pk).update(credential=fresh)
                renewed += 1
    return Rotation(renewed=renewed, current=current, unreadable=tuple(unreadable))
