"""This platform's own functions for chromadb, in real collections."""

import json
import subprocess
import sys

import chromadb
import httpx
import numpy as np
import pytest
from chromadb.api.types import Schema, SparseVectorIndexConfig
from sentence_transformers import SentenceTransformer

from embeddings.clients.chroma import (
    PlatformEmbeddingFunction,
    PlatformSparseEmbeddingFunction,
)
from embeddings.clients.server import RefusedError
from tests.clients import reference
from tests.clients.conftest import PROMPTED
from tests.embeddings.engine.sparse_reference import SpladeReference
from tests.live import MODEL, ROOT
from tests.tiny_models import build

pytestmark = [
    pytest.mark.clients,
    # chromadb's own use of its dependencies.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

VARIABLE = "EMBEDDING_PLATFORM_API_KEY"
SPLADE = "prithivida/Splade_PP_en_v1"
TEXTS = ["cats and dogs", "tax returns", "the planet Mars", "Grüße aus Köln 🌍"]
IDS = ["1", "2", "3", "4"]
IN_A_NEW_PROCESS = """
import json, sys
import chromadb
import embeddings.clients.chroma
collection = chromadb.PersistentClient(sys.argv[1]).get_collection("texts")
collection.add(ids=["5"], documents=["a puppy"])
found = collection.query(query_texts=["pets"], n_results=2)
print(json.dumps([collection.count(), sorted(found["ids"][0])]))
"""


@pytest.fixture
def key(server, monkeypatch) -> str:
    monkeypatch.setenv(VARIABLE, server.key)
    return server.key


def make(server, model=MODEL, **more) -> PlatformEmbeddingFunction:
    return PlatformEmbeddingFunction(url=server.url, model=model, **more)


@pytest.fixture(scope="module")
def prompted(tmp_path_factory):
    """What sentence-transformers itself makes with a prompt, shortened and not."""
    folder = build("prompted", tmp_path_factory.mktemp("models") / PROMPTED)
    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)

    def vectors(texts, prompt, **more):
        texts = list(texts)
        return model.encode(texts, prompt=prompt, show_progress_bar=False, **more)

    return vectors


def assert_close(found, expected) -> None:
    assert np.asarray(found).shape == expected.shape
    assert np.abs(np.asarray(found) - expected).max() <= 2e-5


def test_a_collection_is_filled_and_asked(server, key) -> None:
    client = chromadb.EphemeralClient()
    function = make(server, max_texts=3)
    collection = client.create_collection("ours", embedding_function=function)

    collection.add(ids=IDS, documents=TEXTS)
    collection.upsert(ids=["2"], documents=["income tax"])

    found = collection.query(query_texts=["pets", "taxes"], n_results=1)
    assert found["ids"] == [["1"], ["2"]]
    stored = collection.get(ids=["1", "3", "4"], include=["embeddings"])
    reference.assert_same(stored["embeddings"], [TEXTS[0], *TEXTS[2:]])
    assert collection.configuration["hnsw"]["space"] == "cosine"


def test_another_process_finds_the_collections_function(server, key, tmp_path) -> None:
    client = chromadb.PersistentClient(tmp_path)
    made = client.create_collection("texts", embedding_function=make(server))
    made.add(ids=IDS, documents=TEXTS)

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IN_A_NEW_PROCESS, str(tmp_path)],
        env=server.environment | {"PYTHONPATH": str(ROOT), VARIABLE: key},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [5, ["1", "5"]]
    kept = b"".join(one.read_bytes() for one in tmp_path.rglob("*") if one.is_file())
    assert VARIABLE.encode() in kept
    assert key.encode() not in kept


def test_a_collection_keeps_its_model(server, key, tmp_path) -> None:
    client = chromadb.PersistentClient(tmp_path)
    made = client.create_collection("texts", embedding_function=make(server))

    made.modify(configuration={"embedding_function": make(server, max_texts=7)})
    with pytest.raises(ValueError, match="'model' cannot become"):
        made.modify(configuration={"embedding_function": make(server, PROMPTED)})


def test_queries_and_documents_have_the_models_prompts(server, key, prompted) -> None:
    function = make(server, PROMPTED)

    assert_close(function(TEXTS), prompted(TEXTS, "document: "))
    assert_close(function.embed_query(TEXTS), prompted(TEXTS, "search query: "))


def test_instructions_are_used(server, key, prompted) -> None:
    own = {"query_instruction": "find", "document_instruction": ""}
    function = make(server, PROMPTED, **own)

    assert_close(function(TEXTS), prompted(TEXTS, ""))
    assert_close(function.embed_query(TEXTS), prompted(TEXTS, "find|"))


def test_tasks_are_looked_up(server, key, prompted) -> None:
    function = make(server, PROMPTED, task="cooking")

    assert_close(function(TEXTS), prompted(TEXTS, ""))
    assert_close(function.embed_query(TEXTS), prompted(TEXTS, "recipe|"))
    with pytest.raises(RefusedError, match="HTTP 400: unknown 'task'; known are: cook"):
        make(server, task="gardening")(TEXTS)


def test_vectors_may_be_shorter(server, key, prompted) -> None:
    expected = prompted(TEXTS, "document: ", truncate_dim=8)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)

    assert_close(make(server, PROMPTED, dimensions=8)(TEXTS), expected)
    with pytest.raises(RefusedError, match=r"HTTP 400: .* has no embeddings of 9 dim"):
        make(server, PROMPTED, dimensions=9)(TEXTS)


@pytest.mark.parametrize(
    ("model", "wrong_key", "message"),
    [
        ("nope", None, "HTTP 400: model 'nope' not found"),
        (MODEL, "wrong", "HTTP 401: the API key is not valid"),
        (SPLADE, None, "HTTP 501: model .* has no dense embeddings"),
    ],
    ids=["model", "key", "kind"],
)
def test_refusals_are_told(server, key, monkeypatch, model, wrong_key, message) -> None:
    if wrong_key:
        monkeypatch.setenv(VARIABLE, wrong_key)

    with pytest.raises(RefusedError, match=message) as caught:
        make(server, model)(TEXTS)

    assert len(caught.value.request_id) == 36


def test_a_spent_quota_is_not_waited_for(server, key_with, monkeypatch) -> None:
    monkeypatch.setenv(VARIABLE, key_with(requests_month=1))
    function = make(server)
    function(TEXTS)

    with pytest.raises(RefusedError, match=r"HTTP 429: .*month") as caught:
        function(TEXTS)

    assert caught.value.status == 429


class LosesItsFirstAnswer(httpx.HTTPTransport):
    """As a connection that breaks after the server has done the work."""

    is_lost = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        if not self.is_lost:
            self.is_lost = True
            answer.read()
            raise httpx.ReadError("lost")
        return answer


def test_what_is_repeated_is_billed_once(server, key_with, monkeypatch) -> None:
    # "hello" has three tokens with [CLS] and [SEP].
    monkeypatch.setenv(VARIABLE, key_with(tokens_month=3))
    monkeypatch.setattr("embeddings.clients.server._FIRST_WAIT_S", 0.0)
    function = make(server)
    transport = LosesItsFirstAnswer()
    with httpx.Client(transport=transport) as http:
        function._server.http = http

        reference.assert_same(function(["hello"]), ["hello"])

    assert transport.is_lost
    with pytest.raises(RefusedError, match="HTTP 429"):
        make(server)(["hello"])


@pytest.mark.parametrize("wants_labels", [True, False], ids=["labels", "plain"])
def test_sparse_vectors_are_the_models(server, key, tmp_path, wants_labels) -> None:
    splade = SpladeReference(build("splade", tmp_path / "splade"))
    function = PlatformSparseEmbeddingFunction(
        url=server.url, model=SPLADE, labels=wants_labels, max_texts=3
    )

    for made in (function(TEXTS), function.embed_query(TEXTS)):
        for text, vector in zip(TEXTS, made, strict=True):
            expected = splade.weights(text, max_tokens=48)
            weights = np.zeros(len(expected))
            weights[vector.indices] = vector.values
            assert weights == pytest.approx(expected, abs=1e-4)
            words = splade.tokenizer.convert_ids_to_tokens(vector.indices)
            assert vector.labels == (words if wants_labels else None)


def test_a_schema_finds_its_sparse_function_again(server, key) -> None:
    """A schema as collections keep it; the local chromadb has no sparse index."""
    function = PlatformSparseEmbeddingFunction(url=server.url, model="Chroma/BM25")
    schema = Schema().create_index(
        config=SparseVectorIndexConfig(
            source_key="#document", embedding_function=function
        ),
        key="words",
    )

    kept = json.loads(json.dumps(schema.serialize_to_json()))
    again = Schema.deserialize_from_json(kept)

    index = again.keys["words"].sparse_vector.sparse_vector_index
    found = index.config.embedding_function
    assert found.get_config() == function.get_config()
    assert found(["cats and cats"]) == function(["cats and cats"])
