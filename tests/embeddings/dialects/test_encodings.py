"""Vectors as bytes and bits, against Sentence Transformers and numpy's own readers."""

import base64

import numpy as np
import pytest
from sentence_transformers.util.quantization import quantize_embeddings

from embeddings.dialects import encodings

VECTORS = np.random.default_rng(11).normal(size=(20, 384)).astype(np.float32)
UNITS = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)


@pytest.mark.parametrize("name", ["binary", "ubinary"])
def test_bits_are_those_of_sentence_transformers(name: str) -> None:
    found = encodings.ENCODERS[name](VECTORS)

    expected = quantize_embeddings(VECTORS, precision=name)  # type: ignore[arg-type]
    assert isinstance(found, np.ndarray)
    assert found.dtype == expected.dtype
    assert (found == expected).all()


def test_bits_are_unpacked_to_signs() -> None:
    signs = np.unpackbits(encodings.ubinary(VECTORS), axis=1)

    assert (signs == (VECTORS > 0)).all()


@pytest.mark.parametrize(
    ("width", "unsigned"), [(1, [128]), (8, [255]), (9, [255, 128]), (16, [255, 255])]
)
def test_the_last_byte_is_filled_up(width: int, unsigned: list[int]) -> None:
    vectors = np.ones((1, width), dtype=np.float32)

    assert encodings.ubinary(vectors).tolist() == [unsigned]
    assert encodings.binary(vectors).tolist() == [[n - 128 for n in unsigned]]


def test_zero_is_not_positive() -> None:
    vectors = np.array([[0, -0.0, 1e-30, -1e-30, 0, 0, 0, 0]], dtype=np.float32)

    assert encodings.ubinary(vectors).tolist() == [[0b00100000]]


def test_8_bits_keep_the_direction_and_the_order() -> None:
    found = encodings.int8(VECTORS).astype(float)

    cosines = (found * UNITS).sum(axis=1) / np.linalg.norm(found, axis=1)
    assert cosines.min() > 0.998
    assert np.abs(found @ found.T / 127**2 - UNITS @ UNITS.T).max() < 0.02


def test_8_bits_do_not_depend_on_the_length() -> None:
    expected = encodings.int8(VECTORS)

    assert (encodings.int8(VECTORS * np.float32(1000)) == expected).all()
    assert (encodings.int8(VECTORS * np.float32(1e-30)) == expected).all()


def test_8_bits_reach_their_ends_and_no_further() -> None:
    vectors = np.array([[1, 0], [-1, 0], [0, 0], [3e38, -3e38]], dtype=np.float32)

    assert encodings.int8(vectors).tolist() == [[127, 0], [-127, 0], [0, 0], [90, -90]]
    assert encodings.uint8(vectors).tolist() == [
        [255, 128],
        [1, 128],
        [128, 128],
        [218, 38],
    ]


def test_base64_is_little_endian_float32() -> None:
    found = encodings.base64_floats(VECTORS)

    rows = [np.frombuffer(base64.b64decode(text), "<f4") for text in found]
    assert (np.stack(rows) == VECTORS).all()


@pytest.mark.parametrize("name", encodings.ENCODERS)
def test_nothing_is_nothing_in_every_encoding(name: str) -> None:
    empty = np.empty((0, 384), dtype=np.float32)

    assert len(encodings.ENCODERS[name](empty)) == 0


@pytest.mark.parametrize("name", encodings.ENCODERS)
def test_what_is_given_stays_as_it_is(name: str) -> None:
    vectors = VECTORS.copy()

    encodings.ENCODERS[name](vectors)

    assert (vectors == VECTORS).all()
