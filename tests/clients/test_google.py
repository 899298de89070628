"""The unmodified `google-genai` client, and chromadb's function on top of it."""

import httpx
import numpy as np
import pytest
from chromadb.utils.embedding_functions import GoogleGeminiEmbeddingFunction
from google import genai
from google.genai import errors, types

from tests.clients import reference
from tests.live import MODEL

pytestmark = [
    pytest.mark.clients,
    # google-genai's own use of its dependencies.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

TEXTS = [text for text in reference.TEXTS if text]


def client_of(server, key: str | None = None, **options: str) -> genai.Client:
    return genai.Client(
        api_key=key or server.key,
        http_options=types.HttpOptions(base_url=server.url, **options),
    )


@pytest.fixture
def client(server):
    with client_of(server) as one:
        yield one


@pytest.mark.parametrize("version", ["v1", "v1beta"])
@pytest.mark.parametrize("prefix", ["", "models/", "sentence-transformers/"])
def test_vectors_are_those_of_sentence_transformers(server, version, prefix) -> None:
    with client_of(server, api_version=version) as client:
        answer = client.models.embed_content(model=f"{prefix}{MODEL}", contents=TEXTS)

    reference.assert_same([one.values for one in answer.embeddings], TEXTS)


def test_tokens_are_told_and_are_the_ledgers(client, server) -> None:
    config = types.EmbedContentConfig(task_type="RETRIEVAL_QUERY")

    answer = client.models.embed_content(
        model="all-minilm", contents=["hello", "hello world"], config=config
    )

    assert answer.usage_metadata.prompt_token_count == 7
    request_id = answer.sdk_http_response.headers["x-request-id"]
    rows = server.ledger(request_id)
    assert rows == [(200, 2, 7, MODEL, "google")]


def test_a_document_has_a_title(client) -> None:
    config = types.EmbedContentConfig(task_type="RETRIEVAL_DOCUMENT", title="Sky")

    answer = client.models.embed_content(
        model=MODEL, contents="why is it blue?", config=config
    )

    reference.assert_same([answer.embeddings[0].values], ["Sky\nwhy is it blue?"])


def test_tokens_are_counted(client) -> None:
    def count(contents) -> int:
        return client.models.count_tokens(model=MODEL, contents=contents).total_tokens

    turns = [types.UserContent("hello"), types.UserContent("hello world")]
    assert count("hello") == 3
    assert count(turns) == 7
    # The client sends a list of strings as the parts of one content.
    assert count(["hello", "world"]) == 4
    assert count("word " * 1000) == 1002


def test_models_are_listed_and_shown(client, server) -> None:
    names = [model.name for model in client.models.list()]
    shown = client.models.get(model="sentence-transformers/all-MiniLM-L6-v2")

    # Other tests register models of their own with the same server.
    assert f"models/{MODEL}" in names
    assert len(names) == len(set(names))
    assert shown.name == "models/sentence-transformers/all-MiniLM-L6-v2"
    assert (shown.input_token_limit, shown.supported_actions) == (
        256,
        ["embedContent", "countTokens"],
    )


@pytest.mark.parametrize(
    ("wrong", "status", "message"),
    [
        ({"model": "nope"}, (404, "NOT_FOUND"), "'nope' not found"),
        ({"model": "tunedModels/x"}, (404, "NOT_FOUND"), "no such path"),
        ({"contents": [""]}, (400, "INVALID_ARGUMENT"), "empty part"),
        ({"contents": "word " * 1000}, (400, "INVALID_ARGUMENT"), "1002 tokens"),
        ({"contents": ["x"] * 2049}, (400, "INVALID_ARGUMENT"), "2048"),
        ({"contents": "x" * 9_000_000}, (400, "INVALID_ARGUMENT"), "bytes"),
        (
            {"config": {"output_dimensionality": 128}},
            (400, "INVALID_ARGUMENT"),
            "128 dimensions",
        ),
        ({"config": {"task_type": "NOPE"}}, (400, "INVALID_ARGUMENT"), "taskType"),
    ],
    ids=["model", "tuned", "empty", "long", "many", "large", "size", "task"],
)
def test_refusals_have_their_status(client, wrong, status, message) -> None:
    fields = {"model": MODEL, "contents": "hello", **wrong}

    with pytest.raises(errors.ClientError) as caught:
        client.models.embed_content(**fields)

    assert (caught.value.code, caught.value.status) == status
    assert message in caught.value.message


@pytest.mark.parametrize("key", ["wrong", "emb_live_" + "A" * 38])
def test_a_wrong_key_is_told_and_not_repeated(server, key) -> None:
    with client_of(server, key) as client, pytest.raises(errors.ClientError) as caught:
        list(client.models.list())

    assert (caught.value.code, caught.value.status) == (401, "UNAUTHENTICATED")
    assert key not in str(caught.value)


def test_a_key_in_the_address_serves_and_stays_out_of_the_log(server) -> None:
    url = f"{server.url}/v1beta/models/{MODEL}:embedContent"
    body = {"content": {"parts": [{"text": TEXTS[0]}]}, "taskType": 1}

    answer = httpx.post(url, params={"key": server.key}, json=body)
    url = url.replace(MODEL, "nope")
    refused = httpx.post(url, params={"key": server.key}, json=body)

    reference.assert_same([answer.json()["embedding"]["values"]], [TEXTS[0]])
    assert refused.json()["error"]["status"] == "NOT_FOUND"
    assert server.key not in server.log + refused.text


@pytest.fixture
def chroma(server, monkeypatch):
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.url)
    monkeypatch.setenv("GEMINI_API_KEY", server.key)
    # The other variable that google-genai reads, and warns of beside that.
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    return GoogleGeminiEmbeddingFunction


def test_chromas_function_gets_the_vectors(chroma) -> None:
    function = chroma(model_name=MODEL, task_type="RETRIEVAL_DOCUMENT")

    reference.assert_same(function(TEXTS), TEXTS)
    reference.assert_same(function.embed_query([TEXTS[0]]), [TEXTS[0]])


def test_chromas_function_sends_a_collection_at_once(chroma) -> None:
    found = chroma(model_name=MODEL)(["hello"] * 250)

    assert len(found) == 250
    assert np.isfinite(found).all()


def test_chromas_function_shows_our_error(chroma) -> None:
    with pytest.raises(ValueError, match=r"404 NOT_FOUND.*'nope' not found"):
        chroma(model_name="nope")(["hello"])
