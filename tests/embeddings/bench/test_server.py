"""Servers as contenders."""

import dataclasses
import sys

import numpy as np
import pytest

from embeddings.bench.load import BadAnswerError, Endpoint
from embeddings.bench.plan import Figure, Kind, Row
from embeddings.bench.scratch import Scratch, ScratchError
from embeddings.bench.server import Gunicorn, Served, first_model
from tests.embeddings.bench.listening import listening
from tests.embeddings.bench.making import TEXTS, make_contender, make_workload


@pytest.fixture
def listener():
    with listening() as found:
        yield found


@pytest.fixture
def served(listener):
    endpoint = Endpoint(url=f"{listener.url}/embeddings", model="the-model")
    made = Served(make_contender("there", Kind.INFINITY), endpoint)
    made.prepare(make_workload())
    return made


def inputs(listener):
    return [tuple(body["input"]) for body in listener.asked]


def test_bulk_is_sent_in_large_requests(served, listener):
    figures = served.measure(Row.BULK)

    assert sorted(inputs(listener)) == sorted([TEXTS[:2], TEXTS[2:]])
    assert figures[Figure.TOKENS] / figures[Figure.BULK] == pytest.approx(15 / 3)
    assert (served.sent_requests, served.sent_texts) == (2, 3)


def test_short_texts_and_large_requests_come_one_after_the_other(served, listener):
    short, large = served.measure(Row.SHORT), served.measure(Row.REQUEST)

    assert inputs(listener) == [("a",), ("bc",), ("a",), ("bc",), TEXTS[:2], TEXTS[:2]]
    assert listener.at_once == 1
    assert min(short[Figure.SHORT], large[Figure.REQUEST]) > 0


def test_clients_ask_until_time_is_up(served, listener):
    figures = served.measure(Row.CLIENTS)

    assert set(inputs(listener)) == {("a",), ("bc",)}
    assert served.sent_requests == len(listener.asked) >= 3
    assert figures[Figure.CLIENTS_P50] <= figures[Figure.CLIENTS_P99]


def test_vectors_keep_the_order_of_the_texts(served):
    texts = ["x" * length for length in range(1, 600)]

    vectors = served.vectors(texts)

    assert np.array_equal(vectors[:, 0], range(1, 600))


def test_rows_of_embedders_are_not_theirs(served):
    with pytest.raises(ValueError, match="long is no row"):
        served.measure(Row.LONG)


def test_the_model_is_the_first_that_a_server_lists(listener):
    assert first_model(listener.url) == "the-model"


def test_a_server_that_is_not_there_is_told():
    with pytest.raises(BadAnswerError, match="models"):
        first_model("http://127.0.0.1:1")


def test_a_web_server_that_does_not_start_tells_why(tmp_path):
    environment = {
        "PYTHONPATH": ":".join(sys.path),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "MAX_TEXTS": "many",
    }
    platform = Scratch(
        folder=tmp_path, database_url="", environment=environment, key="none"
    )
    server = Gunicorn(
        dataclasses.replace(make_contender(kind=Kind.SERVER), cache_folder=tmp_path),
        "the-model",
        platform=platform,
    )

    with pytest.raises(ScratchError, match="MAX_TEXTS"):
        server.prepare(make_workload())

    server.close()
