"""The unmodified `openai` client."""

import base64

import numpy as np
import openai
import pytest

from tests.clients import reference

pytestmark = pytest.mark.clients

TEXTS = tuple(text for text in reference.TEXTS if text)


@pytest.fixture
def client(server):
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key=server.key, max_retries=0)


@pytest.mark.parametrize("encoding", ["float", "base64", None])
def test_vectors_are_those_of_sentence_transformers(client, encoding) -> None:
    wish = {} if encoding is None else {"encoding_format": encoding}
    answer = client.embeddings.create(
        model="all-MiniLM-L6-v2", input=list(TEXTS), **wish
    )

    found = [item.embedding for item in answer.data]
    if encoding == "base64":
        found = [_decoded(text) for text in found]
    assert answer.model == "all-MiniLM-L6-v2"
    assert [item.index for item in answer.data] == list(range(len(TEXTS)))
    reference.assert_same(found, TEXTS)


def test_token_ids_embed_as_their_text(client) -> None:
    ids = reference.model().tokenizer("why is the sky blue?")["input_ids"]
    answer = client.embeddings.create(model="all-minilm", input=[ids, ids[1:-1]])

    texts = ["why is the sky blue?"] * 2
    reference.assert_same([item.embedding for item in answer.data], texts)
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 16


def test_models_are_listed_and_shown(client) -> None:
    names = [model.id for model in client.models.list()]
    # Other tests register models of their own with the same server.
    assert "all-MiniLM-L6-v2" in names
    assert len(names) == len(set(names))
    shown = client.models.retrieve("sentence-transformers/all-MiniLM-L6-v2")
    assert shown.id == "sentence-transformers/all-MiniLM-L6-v2"


def test_request_id_is_the_ledgers(client, server) -> None:
    answer = client.embeddings.with_raw_response.create(
        model="all-minilm", input=["hello", "hello world"]
    )

    rows = server.ledger(answer.headers["x-request-id"])
    assert rows == [(200, 2, 7, "all-MiniLM-L6-v2", "openai")]
    assert answer.parse().usage.total_tokens == 7


@pytest.mark.parametrize(
    ("wrong", "error", "code"),
    [
        ({"model": "nope"}, openai.NotFoundError, "model_not_found"),
        ({"input": ""}, openai.BadRequestError, None),
        ({"input": []}, openai.BadRequestError, None),
        ({"input": ["word " * 1000]}, openai.BadRequestError, None),
        ({"dimensions": 128}, openai.BadRequestError, None),
        ({"dimensions": True}, openai.BadRequestError, None),
        ({"encoding_format": "hex"}, openai.BadRequestError, None),
        ({"input": ["x"] * 2049}, openai.BadRequestError, None),
        ({"input": "x" * 9_000_000}, openai.BadRequestError, None),
    ],
    ids=[
        "unknown-model",
        "empty-text",
        "no-texts",
        "too-long",
        "fixed-size",
        "bool-for-int",
        "encoding",
        "too-many",
        "too-large",
    ],
)
def test_refusals_have_their_exception(client, wrong, error, code) -> None:
    fields = {"model": "all-minilm", "input": "hello", **wrong}
    with pytest.raises(error) as caught:
        client.embeddings.create(**fields)

    assert caught.value.code == code
    assert caught.value.type == "invalid_request_error"
    assert caught.value.request_id


@pytest.mark.parametrize("key", ["wrong", "emb_live_" + "A" * 38])
def test_wrong_key_is_an_authentication_error(server, key) -> None:
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0)
    with pytest.raises(openai.AuthenticationError) as caught:
        client.models.list()

    assert caught.value.code == "invalid_api_key"
    assert key not in str(caught.value)


def _decoded(text: str):
    return np.frombuffer(base64.b64decode(text), dtype="<f4")
