"""Page cursors: where the next page begins, in a form that promises nothing."""

import base64
import binascii
from collections.abc import Sequence

import orjson

from embeddings.errors import InvalidRequestError

#: As PostgreSQL's bigint.
LARGEST = 2**63 - 1

Place = int | str


def write_cursor(place: Sequence[Place]) -> str:
    """A place as a cursor."""
    return base64.urlsafe_b64encode(orjson.dumps(list(place))).decode().rstrip("=")


def read_cursor(text: str, *, kinds: Sequence[type[Place]]) -> list[Place]:
    """The place that a cursor stands for; raises `InvalidRequestError`."""
    try:
        place = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError) as error:
        raise _refusal() from error
    if not isinstance(place, list) or [type(one) for one in place] != list(kinds):
        raise _refusal()
    if not all(map(_is_storable, place)):
        raise _refusal()
    return place


def _is_storable(value: Place) -> bool:
    return "\0" not in value if isinstance(value, str) else 0 <= value <= LARGEST


def _refusal() -> InvalidRequestError:
    return InvalidRequestError("page: this is no cursor of this list", param="page")
