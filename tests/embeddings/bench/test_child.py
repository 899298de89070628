"""Contenders in processes of their own."""

import os

import numpy as np
import pytest

from embeddings.bench.child import Child, ContenderError
from embeddings.bench.plan import Figure, Kind, Row
from embeddings.bench.subject import subject_of
from tests.embeddings.bench.making import TEXTS, make_contender, make_workload
from tests.embeddings.engine.making import make_spec


@pytest.fixture(scope="module")
def child(minilm):
    made = Child(make_contender(runtime="torch"), subject_of(make_spec(minilm)))
    made.prepare(make_workload())
    yield made
    made.close()


def test_it_embeds_and_measures_in_its_own_process(child):
    vectors, figures = child.vectors(TEXTS), child.measure(Row.BULK)

    assert vectors.shape == (3, 384)
    assert np.isfinite(vectors).all()
    assert figures[Figure.BULK] > 0
    assert os.getpid() not in child.pids
    assert child.peak_bytes > 1 << 26


def test_a_failure_names_contender_and_reason(child):
    with pytest.raises(ContenderError, match="ours: clients is no row"):
        child.measure(Row.CLIENTS)


def test_a_death_is_told(minilm):
    made = Child(make_contender("doomed", Kind.CEILING), subject_of(make_spec(minilm)))
    made.close()

    with pytest.raises(ContenderError, match="doomed died"):
        made.vectors(TEXTS)
