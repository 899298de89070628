"""Secrets that must be read again, as the database holds them: under FIELD_KEYS."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

#: How every such text begins: version and time of Fernet's, until the year 2106.
MARK = "gAAAAA"


class EncryptionError(Exception):
    """FIELD_KEYS cannot write or read a secret; a sentence for the operator."""


def encrypt(secret: str) -> str:
    """The secret under the first key; raises EncryptionError without a usable one."""
    return _keys()[0].encrypt(secret.encode()).decode("ascii")


def decrypt(encrypted: str) -> str:
    """The secret; raises EncryptionError where none of the keys wrote it."""
    try:
        return MultiFernet(_keys()).decrypt(encrypted.encode()).decode()
    except InvalidToken as error:
        raise EncryptionError("none of the keys in FIELD_KEYS opens it") from error


def renew(encrypted: str) -> str | None:
    """The same secret under the first key, None where it is under it already.

    Raises EncryptionError where none of the keys wrote it.
    """
    keys = _keys()
    try:
        keys[0].decrypt(encrypted.encode())
    except InvalidToken:
        return encrypt(decrypt(encrypted))
    return None


def _keys() -> list[Fernet]:
    """The keys, the one that writes first."""
    if not settings.FIELD_KEYS:
        raise EncryptionError("FIELD_KEYS is not set")
    try:
        return [Fernet(key) for key in settings.FIELD_KEYS]
    except ValueError as error:
        raise EncryptionError("FIELD_KEYS holds no Fernet key") from error
