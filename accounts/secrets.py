"""API key secrets: how they are made, checked offline and digested. Pure."""

import hashlib
import re
import secrets
import string
import zlib

PREFIX = "emb_live_"
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_LENGTH = 32
CHECKSUM_LENGTH = 6

#: What secret scanners match: the prefix, 32 random and 6 checksum characters.
SECRET_PATTERN = re.compile(r"emb_live_[0-9A-Za-z]{38}")


def _checksum(text: str) -> str:
    """CRC32 of the ASCII `text` as 6 base62 digits, most significant first."""
    number = zlib.crc32(text.encode("ascii"))
    digits = ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(BASE62))
        digits = BASE62[digit] + digits
    return digits


def make_secret() -> str:
    """A new secret with 190 bits of the system's randomness."""
    body = PREFIX + "".join(secrets.choice(BASE62) for _ in range(RANDOM_LENGTH))
    return body + _checksum(body)


def is_well_formed(secret: str) -> bool:
    """Whether the form and the checksum hold, so that a typo needs no query."""
    if SECRET_PATTERN.fullmatch(secret) is None:
        return False
    return _checksum(secret[:-CHECKSUM_LENGTH]) == secret[-CHECKSUM_LENGTH:]


def digest_of(secret: str) -> bytes:
    """SHA-256 of the secret (32 bytes): the only form in which it is stored."""
    return hashlib.sha256(secret.encode("utf-8")).digest()
