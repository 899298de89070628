"""What is asked of a provider in one call, what came back, and whether it may pass."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from embeddings.engine.remote.failures import BadAnswerError
from embeddings.engine.spec import Floats, Role, Truncate

Input = str | tuple[int, ...]

#: Tokens that a model may add to a text, whatever it is.
SPECIAL_TOKENS = 16
#: Digits, sign, exponent and separators of a number in JSON, with room to spare.
_BYTES_PER_VALUE = 40
_BYTES_PER_TEXT = 1024
_BYTES_AROUND = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Texts (or lists of token ids) for one call of a model, by its name there.

    `dimensions` is the size to ask for, None for the model's own, which is `width`
    where nothing is asked for. `limit_tokens` is what the model takes of a text,
    `max_tokens` what the caller wants it to be cut to.
    """

    model: str
    inputs: tuple[Input, ...]
    role: Role = Role.NONE
    dimensions: int | None = None
    width: int
    truncate: Truncate = Truncate.ERROR
    limit_tokens: int
    max_tokens: int | None = None

    @property
    def texts(self) -> list[str]:
        """The inputs that are texts."""
        return [one for one in self.inputs if isinstance(one, str)]

    @property
    def size(self) -> int:
        """Values of each vector in the answer."""
        return self.dimensions or self.width

    @property
    def bound(self) -> int:
        """Tokens that the call can have at most."""
        return sum(map(bound_of, self.inputs))

    @property
    def most_bytes(self) -> int:
        """What an honest answer needs at most."""
        per_text = self.size * _BYTES_PER_VALUE + _BYTES_PER_TEXT
        # Some vendors send the texts back.
        return _BYTES_AROUND + len(self.inputs) * per_text + 6 * self.bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A vector per input in their order, unread; no `tokens`: the vendor told none."""

    vectors: Sequence[object] | Floats
    tokens: int | None = None


def bound_of(given: Input) -> int:
    """Tokens that an input can have at most: no tokenizer makes more than bytes."""
    size = len(given.encode()) if isinstance(given, str) else len(given)
    return size + SPECIAL_TOKENS


def checked(answer: Answer, ask: Ask) -> Floats:
    """Vectors (texts, dimensions) float32; raises `BadAnswerError` for all else."""
    count = len(answer.vectors)
    if count != len(ask.inputs):
        raise BadAnswerError(f"{len(ask.inputs)} texts became {count} vectors")
    try:
        with np.errstate(over="ignore"):
            vectors: Floats = np.ascontiguousarray(answer.vectors, dtype=np.float32)
    except (TypeError, ValueError, OverflowError):
        raise BadAnswerError("the vectors are not numbers of one length") from None
    if vectors.shape != (count, ask.size):
        raise BadAnswerError(
            f"vectors of the shape {vectors.shape} came, not {(count, ask.size)}"
        )
    if not np.isfinite(vectors).all():
        raise BadAnswerError("a vector is not finite")
    return vectors


def pieces_of(ask: Ask, *, most_texts: int, most_tokens: int | None) -> list[Ask]:
    """The same in calls that a vendor takes: so many texts, and tokens by their bound.

    A text that alone has more goes alone: the vendor says whether it is too long.
    """
    pieces: list[Ask] = []
    start = tokens = 0
    for index, given in enumerate(ask.inputs):
        bound = bound_of(given)
        is_full = index - start >= most_texts or (
            most_tokens is not None and tokens + bound > most_tokens
        )
        if is_full and index > start:
            pieces.append(replace(ask, inputs=ask.inputs[start:index]))
            start, tokens = index, 0
        tokens += bound
    pieces.append(replace(ask, inputs=ask.inputs[start:]))
    return pieces
