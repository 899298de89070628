"""What becomes of a model's raw vectors before they leave: lengths and limits."""

from collections.abc import Sequence

import numpy as np

from embeddings.engine.spec import Floats, SparseVector, Vector


def is_finite(vector: Vector) -> bool:
    """Whether every value of a dense or sparse vector is a number."""
    values = vector.values if isinstance(vector, SparseVector) else vector
    return bool(np.isfinite(values).all())


def stack(vectors: Sequence[Vector], *, width: int) -> Floats:
    """Dense vectors as one array (texts, width) float32; `width` is for none of them.

    Raises `TypeError` where a vector is sparse.
    """
    if not vectors:
        return np.empty((0, width), dtype=np.float32)
    return np.stack([dense(vector) for vector in vectors])


def dense(vector: Vector) -> Floats:
    """A vector known to be dense; raises `TypeError` where it is not."""
    if isinstance(vector, SparseVector):
        raise TypeError("a sparse vector came where a dense one was asked for")
    return vector


def finish(raw: Floats, *, dimensions: int, normalize: bool) -> Floats:
    """Vectors (texts, dimensions) of raw ones: cut, then of unit length.

    A cut vector is always brought to unit length, a whole one where `normalize` says.
    A zero vector stays zero.
    """
    is_cut = dimensions < raw.shape[1]
    vectors = np.ascontiguousarray(raw[:, :dimensions], dtype=np.float32)
    if is_cut or normalize:
        squares = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
        lengths = np.maximum(np.sqrt(squares), 1e-12)
        vectors = (vectors / lengths[:, np.newaxis]).astype(np.float32)
    return vectors
