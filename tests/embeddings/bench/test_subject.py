"""What a token costs."""

import pytest

from embeddings.bench.subject import subject_of
from tests.embeddings.engine.making import make_spec


@pytest.fixture(scope="module")
def subject(minilm):
    return subject_of(make_spec(minilm))


def test_only_matrices_that_every_token_meets_are_counted(subject):
    width, inner, layers = 384, 1536, 6

    assert subject.parameters == layers * (4 * width**2 + 2 * width * inner)
    assert (subject.layers, subject.width) == (layers, width)


def test_operations_grow_with_length_faster_than_linearly(subject):
    assert subject.flops(1) == 2 * subject.parameters + 4 * 6 * 384
    assert subject.flops(200) == 200 * (2 * subject.parameters + 4 * 6 * 384 * 200)
