"""What Ollama's wire alone does: lists, loading, the older route, its refusals."""

from dataclasses import replace

import orjson
import pytest
from django.test import Client

from accounts.models import UsageEvent
from embeddings.engine.spec import LoadedModel
from tests.factories import grant, make_api_key, make_model
from tests.fakes import FakeEngine
from tests.samples import golden
from tests.wires import OLLAMA

MESSAGES = [{"role": "user", "content": "hi"}]


def ask(client: Client, path: str, body: object, key: str | None):
    return OLLAMA.post(client, key=key, path=f"/api/{path}", raw=orjson.dumps(body))


def get(client: Client, path: str, key: str):
    return client.get(f"/api/{path}", headers={"authorization": f"Bearer {key}"})


def names(response) -> list[str]:
    return [model["name"] for model in response.json()["models"]]


def load(engine: FakeEngine, *models: str) -> None:
    """Let these be in memory."""
    loaded = (
        LoadedModel(name=name, device="cpu", bytes=7, expires_in_s=60, in_use=1)
        for name in models
    )
    engine.state = replace(engine.state, models=tuple(loaded))


def test_tags_are_the_callers_models(client: Client, house) -> None:
    held = make_api_key(house.acme, model_names=["another"]).secret

    assert names(get(client, "tags", house.key)) == ["all-MiniLM-L6-v2:latest"]
    assert names(get(client, "tags", house.globex_key)) == ["globex/own:latest"]
    assert names(get(client, "tags", house.outsider_key)) == []
    assert names(get(client, "tags", held)) == []
    headers = {"authorization": f"Bearer {house.key}"}
    assert client.head("/api/tags", headers=headers).status_code == 200


def test_ps_shows_nothing_of_others(client: Client, house, engine: FakeEngine) -> None:
    load(engine, "all-MiniLM-L6-v2", "globex/own")

    assert names(get(client, "ps", house.key)) == ["all-MiniLM-L6-v2:latest"]
    assert names(get(client, "ps", house.globex_key)) == ["globex/own:latest"]
    assert names(get(client, "ps", house.outsider_key)) == []
    text = get(client, "ps", house.key).content.decode()
    assert "globex" not in text
    assert "requests" not in text


def test_listing_is_not_metered(client: Client, house, engine: FakeEngine) -> None:
    for path in ("tags", "ps", "version"):
        assert get(client, path, house.key).status_code == 200
    assert ask(client, "show", {"model": "all-minilm"}, house.key).status_code == 200

    assert not UsageEvent.objects.exists()


@pytest.mark.parametrize("field", ["model", "name"])
def test_a_model_is_shown_under_any_of_its_names(field, client: Client, house) -> None:
    response = ask(client, "show", {field: "ALL-minilm:latest"}, house.key)

    shown = response.json()
    assert shown["capabilities"] == ["embedding"]
    assert shown["details"]["family"] == "bert"
    assert shown["model_info"]["bert.embedding_length"] == 384
    assert shown["model_info"]["bert.context_length"] == 512
    assert shown["parameters"].split() == ["num_ctx", "256"]


@pytest.mark.parametrize("name", ["globex/own", "globex-alias", "nobodys-model", "no"])
def test_what_is_not_granted_is_not_found_on_any_route(
    name: str, client: Client, house, engine: FakeEngine
) -> None:
    tagged = f"model '{name}:latest' not found"
    untagged = f"model '{name}' not found"
    pulling = f'model "{name}" not found, try pulling it first'
    expected = {
        "show": tagged,
        "generate": untagged,
        "chat": untagged,
        "embed": pulling,
        "embeddings": pulling,
    }

    for path, message in expected.items():
        response = ask(client, path, {"model": name, "prompt": "a"}, house.key)
        assert OLLAMA.error_of(response, 404) == message
    assert engine.loads == []


@pytest.mark.parametrize("path", ["generate", "chat"])
@pytest.mark.parametrize(
    ("keep_alive", "given", "reason"),
    [(None, None, "load"), ("10m", 600, "load"), (0, 0, "unload"), ("0s", 0, "unload")],
)
def test_a_model_is_loaded_and_unloaded(
    path, keep_alive, given, reason: str, client: Client, house, engine: FakeEngine
) -> None:
    body = {"model": "all-minilm", "keep_alive": keep_alive, "stream": False}

    answer = ask(client, path, body, house.key).json()

    assert (answer["model"], answer["done"]) == ("all-minilm", True)
    assert answer["done_reason"] == reason
    assert engine.calls[0].keep_alive_s == given
    assert [spec.name for spec in engine.loads] == ["all-MiniLM-L6-v2"]
    event = UsageEvent.objects.get()
    assert (event.status, event.texts, event.tokens) == (200, 0, 0)


@pytest.mark.parametrize(
    ("path", "work"), [("generate", {"prompt": "hi"}), ("chat", {"messages": MESSAGES})]
)
def test_generating_is_refused_where_the_model_is_known(
    path, work, client: Client, house, engine: FakeEngine
) -> None:
    response = ask(client, path, {"model": "all-minilm", **work}, house.key)

    message = f'"all-minilm" does not support {path}'
    assert OLLAMA.error_of(response, 400) == message
    assert engine.calls == []
    assert not UsageEvent.objects.exists()


@pytest.mark.parametrize("path", ["embed", "embeddings", "generate", "chat", "show"])
def test_ollamas_own_command_is_served(path, client: Client, house, engine) -> None:
    headers = {"accept": "application/x-ndjson", "user-agent": "ollama/0.32.15 Go/1.26"}

    response = OLLAMA.post(
        client,
        key=house.key,
        path=f"/api/{path}",
        raw=orjson.dumps(golden("ollama", "from_go")[path]),
        content_type="application/json",
        headers=headers,
    )

    assert response.status_code == 200
    assert response["Content-Type"].startswith("application/json")


def test_options_are_looked_at_after_the_model(client: Client, house, engine) -> None:
    body = {"model": "nope", "input": "a", "options": {"num_ctx": "x"}}

    unknown = ask(client, "embed", body, house.key)
    known = ask(client, "embed", {**body, "model": "all-minilm"}, house.key)

    assert "not found" in OLLAMA.error_of(unknown, 404)
    assert OLLAMA.error_of(known, 400) == 'option "num_ctx" must be of type integer'


def test_the_older_route_embeds_one_prompt(client: Client, house, engine) -> None:
    body = {"model": "all-minilm", "prompt": "hello world"}

    answer = ask(client, "embeddings", body, house.key).json()

    (expected,) = ask(
        client, "embed", {"model": "all-minilm", "input": "hello world"}, house.key
    ).json()["embeddings"]
    assert answer == {"embedding": expected}
    assert set(UsageEvent.objects.values_list("texts", "tokens")) == {(1, 4)}


def test_the_older_route_refuses_what_is_too_long(
    client: Client, house, engine: FakeEngine
) -> None:
    body = {"model": "all-minilm", "prompt": "a " * 300}

    message = OLLAMA.error_of(ask(client, "embeddings", body, house.key), 400)

    assert message.startswith("the input length exceeds the context length")


def test_the_older_route_loads_without_a_prompt(client: Client, house, engine) -> None:
    body = {"model": "all-minilm", "input": "a field of the newer route"}

    assert ask(client, "embeddings", body, house.key).json() == {"embedding": []}
    assert len(engine.loads) == 1


@pytest.mark.parametrize("path", ["embed", "generate"])
def test_a_model_of_sparse_vectors_can_be_loaded(
    path, client: Client, house, engine: FakeEngine
) -> None:
    grant(house.acme, make_model("sparse-one", output="sparse"))

    response = ask(client, path, {"model": "sparse-one"}, house.key)

    assert response.status_code == 200
    assert engine.jobs[0].output == "sparse"
    embedded = ask(client, "embed", {"model": "sparse-one", "input": "a"}, house.key)
    assert "sparse-one" in OLLAMA.error_of(embedded, 400)


@pytest.mark.parametrize(
    "path", ["pull", "push", "create", "copy", "delete", "blobs/sha256:0", "me", ""]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "HEAD"])
def test_other_paths_are_unknown_as_ollama_says_it(
    method: str, path: str, client: Client, house
) -> None:
    headers = {"authorization": f"Bearer {house.key}"}

    response = client.generic(method, f"/api/{path}", headers=headers)

    assert response.status_code == 404
    if method != "HEAD":
        assert OLLAMA.error_of(response, 404) == "404 page not found"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "show", "POST"), ("POST", "tags", "GET, HEAD"), ("GET", "embed", "POST")],
)
def test_other_methods_are_refused_as_ollama_says_it(
    method: str, path: str, allowed: str, client: Client, house
) -> None:
    response = client.generic(method, f"/api/{path}")

    assert OLLAMA.error_of(response, 405) == "405 method not allowed"
    assert response["Allow"] == allowed
