"""Raw vectors on their way out."""

import numpy as np
import pytest

from embeddings.engine.spec import SparseVector
from embeddings.engine.vectors import finish, is_finite, stack

NAN = float("nan")


def sparse(*values):
    indices = np.arange(len(values), dtype=np.int64)
    return SparseVector(indices=indices, values=np.array(values, dtype=np.float32))


@pytest.mark.parametrize(
    ("vector", "expected"),
    [
        (np.array([1.0, 2.0], dtype=np.float32), True),
        (np.array([1.0, NAN], dtype=np.float32), False),
        (np.array([1.0, np.inf], dtype=np.float32), False),
        (sparse(1.0, 2.0), True),
        (sparse(1.0, NAN), False),
        (sparse(), True),
    ],
    ids=["dense", "nan", "infinite", "sparse", "sparse-nan", "sparse-empty"],
)
def test_finite_vectors_are_told_from_others(vector, expected):
    assert is_finite(vector) is expected


def test_no_vectors_have_their_width():
    assert stack([], width=3).shape == (0, 3)


def test_sparse_vector_is_never_taken_for_a_dense_one():
    with pytest.raises(TypeError):
        stack([sparse(1.0)], width=1)


def test_zero_vector_stays_zero():
    raw = np.zeros((1, 4), dtype=np.float32)

    assert finish(raw, dimensions=2, normalize=True).tolist() == [[0.0, 0.0]]


def test_large_numbers_are_normalised_too():
    raw = np.full((1, 4), 1e30, dtype=np.float32)

    vectors = finish(raw, dimensions=4, normalize=True)

    assert vectors.tolist() == [[0.5] * 4]
    assert vectors.dtype == np.float32
