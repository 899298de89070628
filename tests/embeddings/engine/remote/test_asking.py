"""Calls that a vendor takes, and answers that may pass."""

from dataclasses import replace

import numpy as np
import pytest

from embeddings.engine.remote.asking import (
    Answer,
    Ask,
    bound_of,
    checked,
    pieces_of,
)
from embeddings.engine.remote.failures import BadAnswerError

ASK = Ask(model="m", inputs=("a", "b"), width=2, limit_tokens=8)


@pytest.mark.parametrize(
    ("given", "bound"), [("", 16), ("abc", 19), ("東京", 22), ((1, 2), 18)], ids=str
)
def test_bounds(given, bound):
    assert bound_of(given) == bound


def test_vectors_come_as_float32():
    found = checked(Answer(vectors=[[1, 2], [0.5, 4]]), ASK)

    assert found.dtype == np.float32
    assert found.tolist() == [[1, 2], [0.5, 4]]
    assert found.flags.c_contiguous


@pytest.mark.parametrize(
    "vectors",
    [
        [],
        [[1, 2]],
        [[1, 2], [3, 4], [5, 6]],
        [[1, 2], [3]],
        [[1], [3]],
        [[1, 2, 3], [4, 5, 6]],
        [[1, 2], None],
        [[1, 2], "xy"],
        [[1, 2], {"a": 1}],
        [[1, 2], [3, float("nan")]],
        [[1, 2], [3, float("inf")]],
        [[1, 2], [3, 1e39]],
        [[1, 2], [3, 10**400]],
        [[[1, 2]], [[3, 4]]],
        [[1, 2], [3, None]],
    ],
    ids=lambda one: str(one)[:40],
)
def test_answers_that_were_not_asked_for(vectors):
    with pytest.raises(BadAnswerError):
        checked(Answer(vectors=vectors), ASK)


def test_a_size_that_was_asked_for_is_what_comes():
    ask = replace(ASK, dimensions=1)

    assert checked(Answer(vectors=[[1], [2]]), ask).shape == (2, 1)
    with pytest.raises(BadAnswerError):
        checked(Answer(vectors=[[1, 2], [3, 4]]), ask)


@pytest.mark.parametrize(
    ("texts", "most_texts", "most_tokens", "sizes"),
    [
        (["a"] * 5, 2, None, [2, 2, 1]),
        (["a"] * 4, 2, None, [2, 2]),
        (["a"], 9, 1, [1]),
        (["a"] * 4, 9, 34, [2, 2]),
        (["a", "x" * 100, "a", "a"], 9, 40, [1, 1, 2]),
        (["x" * 100, "a"], 9, 40, [1, 1]),
    ],
)
def test_pieces(texts, most_texts, most_tokens, sizes):
    ask = replace(ASK, inputs=tuple(texts))

    pieces = pieces_of(ask, most_texts=most_texts, most_tokens=most_tokens)

    assert [len(piece.inputs) for piece in pieces] == sizes
    assert [text for piece in pieces for text in piece.inputs] == texts


def test_an_honest_answer_fits():
    ask = replace(ASK, inputs=("x" * 1000,) * 10, width=3072)

    assert ask.most_bytes > 10 * 3072 * len(str(-1.2345678901234567e-300)) + 10_000
    assert ask.bound == 10 * 1016
