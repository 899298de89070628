"""TEI's clients: chromadb's HuggingFaceEmbeddingServer and InferenceClient."""

import numpy as np
import pytest
from chromadb.utils.embedding_functions import HuggingFaceEmbeddingServer
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError

from tests.clients import reference

pytestmark = [
    pytest.mark.clients,
    # chromadb's own use of its dependencies.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

TEXTS = tuple(text for text in reference.TEXTS if text)
LONG = "alpha " * 300 + "omega " * 300
#: A server's addresses: the default model's, one by name, by alias, with a slash.
PLACES = ["", "/tei/all-MiniLM-L6-v2", "/tei/sentence-transformers/all-MiniLM-L6-v2"]


@pytest.fixture
def client(server):
    return InferenceClient(f"{server.url}/tei/all-minilm", token=server.key)


@pytest.fixture(autouse=True)
def online(monkeypatch) -> None:
    """Let huggingface_hub call the server, which is on this machine."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


@pytest.mark.parametrize("place", PLACES)
def test_chromadbs_function(place: str, server, monkeypatch) -> None:
    monkeypatch.setenv("KEY_OF_TEI", server.key)
    function = HuggingFaceEmbeddingServer(
        url=f"{server.url}{place}/embed", api_key_env_var="KEY_OF_TEI"
    )

    reference.assert_same(function(list(TEXTS)), TEXTS)
    reference.assert_same(function.embed_query([TEXTS[0]]), [TEXTS[0]])


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("path", ["", "/embed"])
def test_inference_client(place: str, path: str, server) -> None:
    client = InferenceClient(f"{server.url}{place}{path}", token=server.key)

    reference.assert_same(client.feature_extraction(list(TEXTS)), TEXTS)
    reference.assert_same(client.feature_extraction(TEXTS[0]), [TEXTS[0]])


@pytest.mark.parametrize(
    ("end", "kept"), [("left", "omega " * 254), ("right", "alpha " * 254)]
)
@pytest.mark.parametrize("truncate", [None, True])
def test_the_end_or_the_start_is_cut(client, end, kept, truncate) -> None:
    found = client.feature_extraction(LONG, truncate=truncate, truncation_direction=end)

    reference.assert_same(found, [kept])


def test_vectors_may_keep_their_length(client) -> None:
    (raw,) = client.feature_extraction("hello", normalize=False)

    assert abs(np.linalg.norm(raw) - 1) > 0.1
    reference.assert_same([raw / np.linalg.norm(raw)], ["hello"])


@pytest.mark.parametrize(
    ("wrong", "status", "words"),
    [
        ({"text": ""}, 400, "cannot be empty"),
        ({"text": [""]}, 400, "cannot be empty"),
        ({"text": [LONG], "truncate": False}, 413, "602 tokens"),
        ({"text": ["x"] * 2049}, 413, "2048"),
        ({"text": "x" * 9_000_000}, 413, "bytes"),
        ({"prompt_name": "nope"}, 422, "no prompt 'nope'"),
        ({"dimensions": 100}, 422, "100 dimensions"),
    ],
    ids=["empty", "empty-text", "too-long", "too-many", "too-large", "prompt", "size"],
)
def test_refusals_say_what_is_wrong(client, wrong, status: int, words: str) -> None:
    with pytest.raises(HfHubHTTPError) as caught:
        client.feature_extraction(**{"text": "hello", **wrong})

    response = caught.value.response
    assert response.status_code == status
    assert words in response.json()["error"]
    assert response.json()["error_type"] in {"Validation", "Empty"}


@pytest.mark.parametrize(
    ("model", "key", "status"), [("nope", None, 404), ("all-minilm", "wrong", 401)]
)
def test_unknown_models_and_keys(server, model, key, status: int) -> None:
    client = InferenceClient(f"{server.url}/tei/{model}", token=key or server.key)

    with pytest.raises(HfHubHTTPError) as caught:
        client.feature_extraction("hello")

    assert caught.value.response.status_code == status
    assert set(caught.value.response.json()) == {"error", "error_type"}
