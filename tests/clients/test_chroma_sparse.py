"""chromadb's Splade function, unmodified, and BM25 beside chromadb's own."""

import httpx
import numpy as np
import pytest
from chromadb.utils.embedding_functions import ChromaBm25EmbeddingFunction
from chromadb.utils.embedding_functions.chroma_cloud_splade_embedding_function import (
    ChromaCloudSpladeEmbeddingFunction,
)

from tests.embeddings.engine.sparse_reference import BgeM3Reference, SpladeReference
from tests.tiny_models import build

pytestmark = [
    pytest.mark.clients,
    # chromadb's own use of its dependencies.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

TEXTS = ["mars is the red planet", "The quick brown fox jumps over the lazy dog."]


@pytest.fixture
def cloud(server, monkeypatch):
    monkeypatch.setenv("CHROMA_API_KEY", server.key)
    monkeypatch.setenv("CHROMA_EMBED_URL", server.url)


def assert_same(indices, values, expected):
    made = np.zeros(len(expected))
    made[indices] = values
    assert made == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("wants_labels", [True, False], ids=["labels", "plain"])
def test_splade_function_gets_the_weights(cloud, tmp_path, wants_labels) -> None:
    reference = SpladeReference(build("splade", tmp_path / "splade"))
    function = ChromaCloudSpladeEmbeddingFunction(include_tokens=wants_labels)

    vectors = function(TEXTS)

    for text, vector in zip(TEXTS, vectors, strict=True):
        expected = reference.weights(text, max_tokens=48)
        assert_same(vector.indices, vector.values, expected)
        words = reference.tokenizer.convert_ids_to_tokens(vector.indices)
        assert vector.labels == (words if wants_labels else None)
    function.close()


def test_splade_function_shows_our_error(cloud, monkeypatch) -> None:
    monkeypatch.setenv("CHROMA_API_KEY", "wrong")
    function = ChromaCloudSpladeEmbeddingFunction()

    with pytest.raises(RuntimeError, match=r"HTTP 401 .*the API key is not valid"):
        function(["hello"])
    function.close()


def ask(server, path, model, texts, **body):
    body = {"texts": texts, "task": "", "target": "", **body}
    headers = {"x-chroma-token": server.key, "x-chroma-embedding-model": model}
    return httpx.post(server.url + path, json=body, headers=headers, timeout=60)


def test_bge_m3_answers_on_both_routes(server, tmp_path) -> None:
    reference = BgeM3Reference(build("bge-m3", tmp_path / "bge-m3"))

    dense = ask(server, "/embed", "BAAI/bge-m3", TEXTS).json()
    sparse = ask(server, "/embed/embed_sparse", "BAAI/bge-m3", TEXTS).json()

    assert dense["num_tokens"] == sparse["num_tokens"]
    for text, vector, weights in zip(
        TEXTS, dense["embeddings"], sparse["embeddings"], strict=True
    ):
        assert vector == pytest.approx(reference.vector(text, max_tokens=64), abs=2e-5)
        expected = reference.weights(text, max_tokens=64)
        assert_same(weights["indices"], weights["values"], expected)


def test_bm25_is_chromas_own(server) -> None:
    texts = [*TEXTS, "", "don't e-mail 1,000 İstanbul cafés"]

    body = ask(server, "/embed_sparse", "Chroma/BM25", texts, fetch_labels=True).json()

    own = ChromaBm25EmbeddingFunction(include_tokens=True)(texts)
    for vector, expected in zip(body["embeddings"], own, strict=True):
        assert vector["indices"] == expected.indices
        assert vector["values"] == pytest.approx(expected.values, rel=1e-6)
        assert vector["labels"] == (expected.labels or [])


def test_sparse_answer_is_on_the_bill_to_the_token(server) -> None:
    response = ask(server, "/embed_sparse", "Chroma/BM25", ["fox fox", "the"])

    assert response.json()["num_tokens"] == 2
    ledger = server.ledger(response.headers["x-request-id"])
    assert ledger == [(200, 2, 2, "Chroma/BM25", "chroma")]


@pytest.mark.parametrize(
    ("path", "model"), [("/embed", "Chroma/BM25"), ("/embed_sparse", "all-minilm")]
)
def test_wrong_kind_of_model_is_not_implemented(server, path, model) -> None:
    response = ask(server, path, model, ["a"])

    assert response.status_code == 501
    assert isinstance(response.json()["error"], str)
