"""What embeds inside a contender's process."""

import pytest

from embeddings.bench.contenders import in_process
from embeddings.bench.embedders import make_embedder, measure_embedder, timed
from embeddings.bench.plan import Figure, Kind, Row
from embeddings.bench.run import least_cosine
from embeddings.bench.subject import subject_of
from tests.embeddings.bench.making import (
    TEXTS,
    FakeEmbedder,
    make_contender,
    make_workload,
)
from tests.embeddings.engine.making import make_spec


def test_bulk_is_all_texts_at_once():
    embedder = FakeEmbedder()

    figures = measure_embedder(embedder, Row.BULK, make_workload())

    assert embedder.asked == [TEXTS]
    assert figures[Figure.TOKENS] / figures[Figure.BULK] == pytest.approx(15 / 3)


def test_short_texts_come_one_by_one_and_in_turn():
    embedder = FakeEmbedder()

    figures = measure_embedder(embedder, Row.SHORT, make_workload())

    assert embedder.asked == [("a",), ("bc",), ("a",), ("bc",)]
    assert figures[Figure.SHORT] > 0


def test_a_large_request_is_repeated():
    embedder = FakeEmbedder()

    measure_embedder(embedder, Row.REQUEST, make_workload())

    assert embedder.asked == [TEXTS[:2], TEXTS[:2]]


def test_the_long_row_repeats_the_texts_block_by_block():
    embedder = FakeEmbedder()

    figures = measure_embedder(embedder, Row.LONG, make_workload())

    assert [len(texts) for texts in embedder.asked] == [2, 3, 3, 1]
    assert figures[Figure.MANY_PEAK] >= figures[Figure.FEW_PEAK] > 0
    assert figures[Figure.FEW] > 0


def test_servers_rows_are_not_theirs():
    with pytest.raises(ValueError, match="clients is no row"):
        measure_embedder(FakeEmbedder(), Row.CLIENTS, make_workload())


def test_time_is_told_in_seconds():
    assert 0 <= timed(lambda: None) < 1


def test_engine_and_encode_agree(minilm, tmp_path):
    subject = subject_of(make_spec(minilm))
    torch_alone, encode = (
        next(one for one in in_process(tmp_path) if one.name == name)
        for name in ("torch float32", "encode")
    )

    found = [make_embedder(one, subject).embed(TEXTS) for one in (torch_alone, encode)]

    assert least_cosine(*found) > encode.agreement


def test_a_runtime_that_did_not_run_is_told(minilm, tmp_path):
    contender = make_contender(kind=Kind.ENGINE, runtime="openvino", cache_folder=None)

    embedder = make_embedder(contender, subject_of(make_spec(minilm)))

    with pytest.raises(ValueError, match="torch ran it, not openvino"):
        embedder.embed(["a"])
