"""The unmodified `ollama` client, and chromadb's function on top of it."""

import asyncio
import time

import ollama
import pytest
from chromadb.utils.embedding_functions import OllamaEmbeddingFunction

from tests.clients import reference
from tests.live import MODEL

pytestmark = [
    pytest.mark.clients,
    # chromadb's own use of its dependencies.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

#: No other tenant has it, so that it is unloaded when it is told to.
OWN = "tiny-minilm"
UNLOADED_WITHIN_S = 30.0
MESSAGES = [{"role": "user", "content": "hello"}]


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


def loaded(client: ollama.Client) -> dict[str, ollama.ProcessResponse.Model]:
    return {model.model: model for model in client.ps().models}


def test_the_older_call_gives_the_same_vector(client) -> None:
    answer = client.embeddings(model="all-minilm", prompt=reference.TEXTS[0])

    reference.assert_same([answer.embedding], [reference.TEXTS[0]])


def test_the_older_call_cuts_nothing(client) -> None:
    with pytest.raises(ollama.ResponseError, match="context length") as caught:
        client.embeddings(model="all-minilm", prompt="word " * 1000)

    assert caught.value.status_code == 400


def test_models_are_listed_and_shown(client) -> None:
    listed = {model.model: model for model in client.list().models}
    shown = client.show("all-minilm")

    model = listed[f"{MODEL}:latest"]
    assert model.size > 80_000_000
    assert len(model.digest) == 64
    assert (model.details.family, model.details.parameter_size) == ("bert", "23M")
    assert model.modified_at.tzinfo is not None
    assert shown.modelinfo["bert.embedding_length"] == 384
    assert shown.capabilities == ["embedding"]
    assert shown.parameters.split() == ["num_ctx", "256"]


def test_an_unknown_model_is_not_shown(client) -> None:
    with pytest.raises(ollama.ResponseError, match="'nope:latest' not found"):
        client.show("nope")


@pytest.mark.parametrize("call", ["generate", "chat", "embed"])
def test_a_model_is_loaded_seen_and_unloaded(client, call: str) -> None:
    ask = getattr(client, call)

    answer = ask(model=OWN, keep_alive="10m")
    there = loaded(client)[f"{OWN}:latest"]
    gone = ask(model=OWN, keep_alive=0)

    assert there.context_length > 0
    assert there.size > 0
    assert there.size_vram == 0
    assert 0 < there.expires_at.timestamp() - time.time() <= 600
    if call != "embed":
        assert (answer.done_reason, gone.done_reason) == ("load", "unload")
    deadline = time.monotonic() + UNLOADED_WITHIN_S
    while f"{OWN}:latest" in loaded(client):
        assert time.monotonic() < deadline


def test_a_stream_of_nothing_is_one_answer(client) -> None:
    (part,) = client.generate(model=OWN, stream=True)
    (turn,) = client.chat(model=OWN, stream=True)

    assert (part.done, part.response) == (True, "")
    assert (turn.done, turn.message.content) == (True, "")


@pytest.mark.parametrize(
    ("call", "work"), [("generate", {"prompt": "hi"}), ("chat", {"messages": MESSAGES})]
)
def test_generating_is_refused_in_ollamas_words(client, call: str, work) -> None:
    with pytest.raises(ollama.ResponseError) as caught:
        getattr(client, call)(model="all-minilm", **work)

    assert caught.value.status_code == 400
    assert caught.value.error == f'"all-minilm" does not support {call}'


def test_what_the_platform_does_not_do_is_unknown(client) -> None:
    with pytest.raises(ollama.ResponseError, match="404 page not found") as caught:
        client.pull("all-minilm")

    assert caught.value.status_code == 404


def test_others_see_none_of_it(client, server) -> None:
    headers = {"Authorization": f"Bearer {server.add_tenant('ollama-neighbour')}"}
    other = ollama.Client(host=server.url, headers=headers)
    client.generate(model=OWN, keep_alive="5m")

    assert f"{OWN}:latest" in loaded(client)
    assert f"{OWN}:latest" not in loaded(other)
    assert [model.model for model in other.list().models] == [f"{MODEL}:latest"]
    with pytest.raises(ollama.ResponseError, match="not found"):
        other.generate(model=OWN, keep_alive=0)
    assert f"{OWN}:latest" in loaded(client)


def test_the_asynchronous_client_is_served_too(server) -> None:
    async def ask() -> tuple[ollama.EmbedResponse, ollama.ProcessResponse]:
        headers = {"Authorization": f"Bearer {server.key}"}
        client = ollama.AsyncClient(host=server.url, headers=headers)
        answer = await client.embed(
            model="all-minilm", input=reference.TEXTS[0], keep_alive="5m"
        )
        return answer, await client.ps()

    answer, running = asyncio.run(ask())

    reference.assert_same(answer.embeddings, [reference.TEXTS[0]])
    assert f"{MODEL}:latest" in [model.model for model in running.models]


@pytest.fixture
def keyless(server, monkeypatch) -> str:
    """The address of a client that sends no key; it holds one."""
    monkeypatch.delenv("OLLAMA_API_KEY", raising=False)
    return f"{server.url}/t/{server.key}"


def test_a_key_in_the_address_serves_and_stays_out_of_the_log(
    server, keyless, monkeypatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", keyless)
    client = ollama.Client()

    answer = client.embed(model="all-minilm", input=reference.TEXTS[0])
    older = client.embeddings(model="all-minilm", prompt=reference.TEXTS[0])

    reference.assert_same(
        [*answer.embeddings, older.embedding], [reference.TEXTS[0]] * 2
    )
    assert f"{MODEL}:latest" in [model.model for model in client.list().models]
    assert client.show("all-minilm").capabilities == ["embedding"]
    assert client.generate(model=OWN, keep_alive="5m").done_reason == "load"
    assert f"{OWN}:latest" in loaded(client)
    with pytest.raises(ollama.ResponseError, match="not found") as caught:
        client.embed(model="nope", input="hi")
    assert server.key not in server.log + str(caught.value)
    assert "/t/***/api/tags" in server.log


def test_a_wrong_key_in_the_address_is_told_and_not_repeated(server) -> None:
    wrong = "emb_live_" + "A" * 38

    with pytest.raises(ollama.ResponseError) as caught:
        ollama.Client(host=f"{server.url}/t/{wrong}").list()

    assert caught.value.status_code == 401
    assert wrong not in server.log + caught.value.error


@pytest.mark.parametrize("suffix", ["", "/"])
def test_chromas_function_takes_a_key_in_its_url(keyless, suffix: str) -> None:
    texts = [text for text in reference.TEXTS if text]
    function = OllamaEmbeddingFunction(
        url=keyless + suffix, model_name="chroma/all-minilm-l6-v2-f32"
    )

    reference.assert_same(function(texts), texts)
