"""chromadb's own embedding functions, unmodified."""

import chromadb
import numpy as np
import pytest
from chromadb.utils.embedding_functions import (
    OllamaEmbeddingFunction,
    OpenAIEmbeddingFunction,
)
from chromadb.utils.embedding_functions import (
    chroma_cloud_qwen_embedding_function as qwen,
)

from tests.clients import reference

pytestmark = [
    pytest.mark.clients,
    # chromadb's own use of its dependencies.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

TEXTS = tuple(text for text in reference.TEXTS if text)


@pytest.fixture
def cloud(server, monkeypatch):
    monkeypatch.setenv("CHROMA_API_KEY", server.key)
    monkeypatch.setenv("CHROMA_EMBED_URL", server.url)
    return qwen.ChromaCloudQwenEmbeddingFunction(model=QWEN, task=None)


QWEN = qwen.ChromaCloudQwenEmbeddingModel.QWEN3_EMBEDDING_0p6B


def test_qwen_function_gets_the_vectors(cloud) -> None:
    reference.assert_same(cloud(list(TEXTS)), TEXTS)


def test_qwen_function_queries(cloud) -> None:
    reference.assert_same(cloud.embed_query([TEXTS[0]]), [TEXTS[0]])


def test_qwen_function_below_embed(cloud, server, monkeypatch) -> None:
    monkeypatch.setenv("CHROMA_EMBED_URL", f"{server.url}/embed/")
    function = qwen.ChromaCloudQwenEmbeddingFunction(model=QWEN, task=None)

    reference.assert_same(function([TEXTS[0]]), [TEXTS[0]])


def test_qwen_function_shows_our_error(cloud, monkeypatch) -> None:
    monkeypatch.setenv("CHROMA_API_KEY", "wrong")
    function = qwen.ChromaCloudQwenEmbeddingFunction(model=QWEN, task=None)

    with pytest.raises(RuntimeError, match="the API key is not valid"):
        function(["hello"])


def test_openai_function(server, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", server.key)
    function = OpenAIEmbeddingFunction(
        model_name="all-MiniLM-L6-v2", api_base=f"{server.url}/v1"
    )

    reference.assert_same(function(list(TEXTS)), TEXTS)


def test_ollama_function(server, monkeypatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", server.key)
    function = OllamaEmbeddingFunction(
        url=server.url, model_name="chroma/all-minilm-l6-v2-f32"
    )

    reference.assert_same(function(list(TEXTS)), TEXTS)


def test_collection_finds_its_nearest(cloud) -> None:
    client = chromadb.EphemeralClient()
    collection = client.create_collection("texts", embedding_function=cloud)
    collection.add(ids=["1", "2"], documents=["cats and dogs", "tax returns"])

    found = collection.query(query_texts=["pets"], n_results=1)

    assert found["ids"] == [["1"]]
    assert np.isfinite(found["distances"]).all()
