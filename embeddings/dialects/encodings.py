"""Vectors as wires spell them: numbers, bytes, bits or base64.

Sources: Cohere's reference for the ranges of `int8` and `uint8`, its guide to
compression levels for `ubinary` (numpy's `unpackbits` reads it), and Sentence
Transformers' `quantize_embeddings` for `binary`. Cohere does not publish how it scales
to 8 bits: here a component of the vector at unit length becomes 127 times itself, so
that dot products of what is stored are cosines times 127 squared, whatever the model.
"""

import base64
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from embeddings.engine.spec import Floats

Encoded = npt.NDArray[np.generic] | list[str]

_SCALE = 127
_SIGNED_OFFSET = 128


def base64_floats(vectors: Floats) -> list[str]:
    """Each vector as the base64 of its little-endian float32."""
    return [
        base64.b64encode(row.astype("<f4", copy=False).tobytes()).decode()
        for row in vectors
    ]


def int8(vectors: Floats) -> npt.NDArray[np.int8]:
    """Vectors at unit length, -127 to 127; a zero vector stays zero."""
    wide = vectors.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    units = np.divide(wide, lengths, out=np.zeros_like(wide), where=lengths > 0)
    scaled: npt.NDArray[np.int8] = np.rint(units * _SCALE).astype(np.int8)
    return scaled


def uint8(vectors: Floats) -> npt.NDArray[np.uint8]:
    """As `int8`, 128 higher: 1 to 255."""
    return (int8(vectors).astype(np.int16) + _SIGNED_OFFSET).astype(np.uint8)


def ubinary(vectors: Floats) -> npt.NDArray[np.uint8]:
    """One bit for each component, set where it is positive, eight to a byte.

    The first component is the highest bit; the last byte is filled up with zeros.
    """
    return np.packbits(vectors > 0, axis=1)


def binary(vectors: Floats) -> npt.NDArray[np.int8]:
    """As `ubinary`, 128 lower: -128 to 127."""
    return (ubinary(vectors).astype(np.int16) - _SIGNED_OFFSET).astype(np.int8)


#: What makes each encoding of vectors (texts, dimensions) float32, one row a text.
ENCODERS: Mapping[str, Callable[[Floats], Encoded]] = {
    "float": lambda vectors: vectors,
    "int8": int8,
    "uint8": uint8,
    "binary": binary,
    "ubinary": ubinary,
    "base64": base64_floats,
}
