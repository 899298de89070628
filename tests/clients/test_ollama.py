"""The unmodified `ollama` client."""

import ollama
import pytest

from tests.clients import reference

pytestmark = pytest.mark.clients


@pytest.fixture
def client(server):
    headers = {"Authorization": f"Bearer {server.key}"}
    return ollama.Client(host=server.url, headers=headers)


def test_vectors_are_those_of_sentence_transformers(client) -> None:
    answer = client.embed(model="all-minilm", input=list(reference.TEXTS))

    assert answer.model == "all-minilm"
    reference.assert_same(answer.embeddings, reference.TEXTS)


def test_one_text_counts_its_tokens_and_time(client) -> None:
    answer = client.embed(model="all-minilm:latest", input="why is the sky blue?")

    assert len(answer.embeddings) == 1
    assert answer.prompt_eval_count == 8
    assert answer.total_duration >= answer.load_duration > 0


def test_long_text_is_cut_at_256_tokens(client) -> None:
    answer = client.embed(model="all-minilm", input="word " * 1000)

    assert answer.prompt_eval_count == 256


def test_long_text_is_refused_when_asked_to(client) -> None:
    with pytest.raises(ollama.ResponseError, match="context length") as caught:
        client.embed(model="all-minilm", input="word " * 1000, truncate=False)

    assert caught.value.status_code == 400


def test_dimensions_cut_and_renormalise(client) -> None:
    whole = client.embed(model="all-minilm", input="hello").embeddings[0]
    short = client.embed(model="all-minilm", input="hello", dimensions=64)

    assert len(short.embeddings[0]) == 64
    assert reference.cosine(short.embeddings[0], whole[:64]) >= 0.99999
    assert sum(x * x for x in short.embeddings[0]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("keep_alive", [-1, 0, 10, "5m", "1h30m"])
def test_keep_alive_is_understood(client, keep_alive) -> None:
    answer = client.embed(model="all-minilm", input="hi", keep_alive=keep_alive)

    assert len(answer.embeddings) == 1


def test_empty_input_loads_the_model(client) -> None:
    answer = client.embed(model="all-minilm")

    assert answer.embeddings == []
    assert answer.prompt_eval_count is None


def test_unknown_model_is_told_in_ollamas_words(client) -> None:
    with pytest.raises(ollama.ResponseError) as caught:
        client.embed(model="nope", input="hi")

    assert caught.value.status_code == 404
    assert caught.value.error == 'model "nope" not found, try pulling it first'


def test_missing_key_is_401(server) -> None:
    with pytest.raises(ollama.ResponseError) as caught:
        ollama.Client(host=server.url).embed(model="all-minilm", input="hi")

    assert caught.value.status_code == 401
    assert isinstance(caught.value.error, str)
