"""Value objects of the engine."""

import numpy as np
import pytest

from embeddings.engine import Job, Prepared, TokenRow
from tests.embeddings.engine.making import make_spec


@pytest.mark.parametrize(
    ("change", "is_shared"),
    [
        ({"name": "other"}, True),
        ({"max_tokens": 5}, True),
        ({"precision": "bfloat16"}, False),
        ({"family": "other"}, False),
    ],
    ids=["name", "length", "precision", "family"],
)
def test_key_tells_whether_weights_are_shared(tiny, change, is_shared):
    spec = make_spec(tiny("minilm"))
    other = make_spec(tiny("minilm"), **change)

    assert (spec.key == other.key) is is_shared


def test_spec_can_be_hashed_despite_its_prompts(tiny):
    assert hash(make_spec(tiny("prompted")))


def test_prepared_counts_tokens_and_cuts(tiny):
    rows = (
        TokenRow(np.array([1, 2, 3])),
        TokenRow(np.array([1]), is_truncated=True),
    )

    prepared = Prepared(Job(spec=make_spec(tiny("minilm")), inputs=("a", "b")), rows)

    assert prepared.tokens == (3, 1)
    assert prepared.truncated == (False, True)
