"""Sparse vectors over Chroma's wire: served, refused, and on the bill."""

import orjson
import pytest
from django.test import Client

from accounts.models import UsageEvent
from tests.factories import grant, make_model
from tests.wires import NUGEN, OLLAMA, OPENAI

SPARSE_PATHS = ["/embed_sparse", "/embed/embed_sparse"]
DENSE_PATHS = ["/embed", "/"]


@pytest.fixture
def models(house):
    for name, output in [("splade", "sparse"), ("m3", "both")]:
        grant(house.acme, make_model(name, output=output, dimensions=30522))


def post(client: Client, house, path: str, model: str, **body: object):
    body = {"texts": ["a red fox", ""], "instructions": "", **body}
    return client.post(
        path,
        orjson.dumps(body),
        content_type="application/json",
        headers={"x-chroma-token": house.key, "x-chroma-embedding-model": model},
    )


@pytest.mark.parametrize("path", SPARSE_PATHS)
@pytest.mark.parametrize("model", ["splade", "m3"])
def test_sparse_model_answers(client, house, engine, models, path, model) -> None:
    response = post(client, house, path, model)

    assert response.json() == {
        "embeddings": [
            {"indices": [1, 3], "values": [1.0, 2.0]},
            {"indices": [], "values": []},
        ],
        "num_tokens": 7,
    }


@pytest.mark.parametrize("asked", [{"fetch_labels": True}, {"fetch_tokens": "true"}])
def test_labels_come_when_asked_for(client, house, engine, models, asked) -> None:
    response = post(client, house, "/embed_sparse", "splade", **asked)

    vectors = response.json()["embeddings"]
    assert [one["labels"] for one in vectors] == [["of 1", "of 3"], []]


@pytest.mark.parametrize(
    ("path", "model"),
    [(path, "splade") for path in DENSE_PATHS]
    + [(path, "all-minilm") for path in SPARSE_PATHS],
)
def test_wrong_kind_of_model_is_not_implemented(
    client, house, engine, models, path, model
) -> None:
    response = post(client, house, path, model)

    assert response.status_code == 501
    assert model in response.json()["error"]
    assert not engine.jobs


@pytest.mark.parametrize("wire", [NUGEN, OLLAMA, OPENAI], ids=lambda wire: wire.name)
def test_other_wires_refuse_sparse_models_as_they_do(
    client, house, engine, models, wire
) -> None:
    response = wire.post(client, key=house.key, model="splade")

    assert 400 <= response.status_code < 500


def test_sparse_answer_is_on_the_bill(client, house, engine, models) -> None:
    post(client, house, "/embed_sparse", "splade")

    event = UsageEvent.objects.get()
    assert (event.model, event.wire, event.texts) == ("splade", "chroma", 2)
    assert (event.status, event.tokens) == (200, 7)


def test_no_texts_are_no_work(client, house, engine, models) -> None:
    response = post(client, house, "/embed_sparse", "splade", texts=[])

    assert response.json() == {"embeddings": [], "num_tokens": 0}


def test_instruction_that_a_model_ignores_is_told(
    client, house, engine, models
) -> None:
    response = post(client, house, "/embed_sparse", "splade", instructions="find it")

    assert response.status_code == 200
    assert response.headers["x-instruction-ignored"] == "1"
