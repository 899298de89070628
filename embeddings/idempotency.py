"""The Idempotency-Key header: a caller's own name for a request it may repeat."""

from django.utils.crypto import salted_hmac

from accounts.metering import Claim
from embeddings.dialects.base import WireRequest
from embeddings.errors import InvalidRequestError
from embeddings.types import EmbeddingRequest

HEADER = "idempotency-key"
LONGEST = 255
_SALT = "embeddings.idempotency"


def claim_of(wire: WireRequest, request: EmbeddingRequest) -> Claim | None:
    """The header with the request that it stands for; None without one.

    The request is its method, path, model and raw body. Nothing of it can be read or
    guessed from the claim. Raises InvalidRequestError.
    """
    name = wire.headers.get(HEADER, "").strip()
    if not name:
        return None
    if len(name) > LONGEST or not name.isascii() or not name.isprintable():
        raise InvalidRequestError(
            f"the Idempotency-Key must be {LONGEST} printable ASCII characters or less"
        )
    parts = (wire.route.method, wire.route.path, request.model or "")
    return Claim(
        digest=_hash(name.encode()),
        fingerprint=_hash("\0".join(parts).encode() + b"\0" + wire.body),
    )


def _hash(value: bytes) -> bytes:
    return salted_hmac(_SALT, value, algorithm="sha256").digest()
