"""What Google's wire alone does: keys in the query, shared paths, counting."""

import logging

import orjson
import pytest
from django.test import Client

from accounts.models import Scope, UsageEvent
from embeddings.engine.spec import Role
from tests.factories import make_api_key
from tests.fakes import FakeEngine
from tests.wires import CHROMA, GOOGLE, OPENAI

MODELS = "/v1beta/models"
HELLO = {"parts": [{"text": "hello world"}]}


def ask(client: Client, path: str, body: object, key: str | None):
    return GOOGLE.post(client, key=key, path=path, raw=orjson.dumps(body))


@pytest.mark.parametrize("version", ["v1", "v1beta"])
def test_one_content_is_one_vector(version, client: Client, house, engine) -> None:
    path = f"/{version}/models/all-minilm:embedContent"

    response = ask(client, path, {"content": HELLO}, house.key)

    assert len(response.json()["embedding"]["values"]) == 384
    event = UsageEvent.objects.get()
    assert (event.wire, event.texts, event.tokens) == ("google", 1, 4)


@pytest.mark.parametrize("path", ["globex/own", "globex%2Fown", "Globex-Alias:latest"])
def test_names_may_hold_slashes_and_colons(
    path: str, client: Client, house, engine: FakeEngine
) -> None:
    body = {"content": HELLO}

    url = f"{MODELS}/{path}:embedContent"

    assert ask(client, url, body, house.globex_key).status_code == 200
    GOOGLE.error_of(ask(client, url, body, house.key), 404)


def test_the_key_may_come_in_the_query_and_is_not_logged(
    client: Client, house, engine: FakeEngine, caplog
) -> None:
    caplog.set_level(logging.DEBUG)
    embed = f"{MODELS}/all-minilm:embedContent?key="

    served = ask(client, embed + house.key, {"content": HELLO}, None)
    listed = client.get(f"/v1/models?key={house.key}")
    refused = ask(client, f"{MODELS}/nope:embedContent?key={house.key}", {}, None)

    assert served.status_code == listed.status_code == 200
    assert listed.json()["models"][0]["name"] == "models/all-MiniLM-L6-v2"
    assert house.key.encode() not in refused.content
    assert house.key not in caplog.text


@pytest.mark.parametrize("key", ["junk", "%ff%fe", "", "%00", "x" * 3000])
def test_a_bad_key_in_the_query_is_a_401(
    key: str, client: Client, house, engine: FakeEngine
) -> None:
    path = f"{MODELS}/all-minilm:embedContent?key={key}"

    response = ask(client, path, {"content": HELLO}, None)

    GOOGLE.error_of(response, 401)


def test_a_header_goes_before_the_query(
    client: Client, house, engine: FakeEngine
) -> None:
    path = f"{MODELS}/all-minilm:embedContent?key=junk"

    assert ask(client, path, {"content": HELLO}, house.key).status_code == 200


@pytest.mark.parametrize("query", ["key", ""])
def test_other_wires_take_no_key_from_the_query(
    query: str, client: Client, house, engine: FakeEngine
) -> None:
    for wire in (OPENAI, CHROMA):
        path = f"{wire.path}?{query}={house.key}"

        wire.error_of(wire.post(client, key=None, path=path), 401)


def test_the_shared_model_routes_answer_who_asks(client: Client, house) -> None:
    google = {"x-goog-api-key": house.key}
    openai = {"authorization": f"Bearer {house.key}"}

    for path in ("/v1/models", "/v1/models/all-minilm"):
        theirs, ours = (client.get(path, headers=h).json() for h in (google, openai))
        assert "object" in ours
        assert "object" not in theirs
    shown = client.get(f"{MODELS}/all-minilm", headers=openai).json()
    assert shown["name"] == "models/all-minilm"
    assert shown["inputTokenLimit"] == 256


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_unknown_paths_are_whose_the_headers_say(method, client: Client, db) -> None:
    path = "/v1/tunedModels/x:generateContent"
    marked = {"x-goog-api-client": "genai-py"}

    GOOGLE.error_of(client.generic(method, path, headers=marked), 404)
    OPENAI.error_of(client.generic(method, path), 404)


def test_its_own_paths_are_its_own_with_a_wrong_method(client: Client, db) -> None:
    response = client.delete("/v1/models/x:embedContent")

    GOOGLE.error_of(response, 405)
    assert response["Allow"] == "POST"


def test_a_foreign_host_is_refused_in_its_shape(client: Client, settings) -> None:
    settings.ALLOWED_HOSTS = ["api.example.com"]
    headers = {"x-goog-api-key": "x", "host": "evil.example"}

    GOOGLE.error_of(client.get("/v1/models", headers=headers), 400)


def test_task_and_size_reach_the_engine(
    client: Client, house, engine: FakeEngine
) -> None:
    house.model.matryoshka_sizes = [64]
    house.model.save()
    path = f"{MODELS}/all-minilm:embedContent"
    body = {"content": HELLO, "taskType": "RETRIEVAL_QUERY", "outputDimensionality": 64}

    response = ask(client, path, body, house.key)
    odd = ask(client, path, {**body, "outputDimensionality": 123}, house.key)

    assert len(response.json()["embedding"]["values"]) == 64
    assert engine.jobs[0].role is Role.QUERY
    assert "123" in GOOGLE.error_of(odd, 400)


@pytest.mark.parametrize(
    ("cuts", "status", "tokens"), [(None, 400, 0), (False, 400, 0), (True, 200, 256)]
)
def test_long_texts_are_cut_on_request(
    cuts, status: int, tokens: int, client: Client, house, engine: FakeEngine
) -> None:
    content = {"parts": [{"text": "word " * 300}]}
    path = f"{MODELS}/all-minilm:embedContent"

    response = ask(client, path, {"content": content, "autoTruncate": cuts}, house.key)

    assert response.status_code == status
    assert sum(UsageEvent.objects.values_list("tokens", flat=True)) == tokens


def test_counting_embeds_and_bills_nothing(
    client: Client, house, engine: FakeEngine
) -> None:
    path = f"{MODELS}/all-minilm:countTokens"
    long = {"parts": [{"text": "word " * 300}]}

    response = ask(client, path, {"contents": [HELLO, long]}, house.key)

    assert response.json() == {"totalTokens": 4 + 302}
    assert engine.calls == []
    assert not UsageEvent.objects.exists()


def test_counting_is_refused_as_embedding_is(
    client: Client, house, engine: FakeEngine, settings
) -> None:
    settings.MAX_TEXTS = 2
    path = f"{MODELS}/all-minilm:countTokens"
    body = {"contents": [HELLO]}
    reader = make_api_key(house.acme, scopes=[Scope.USAGE]).secret

    GOOGLE.error_of(ask(client, path, body, None), 401)
    GOOGLE.error_of(ask(client, path, body, reader), 403)
    GOOGLE.error_of(ask(client, path, body, house.globex_key), 404)
    GOOGLE.error_of(ask(client, path, {"contents": []}, house.key), 400)
    GOOGLE.error_of(ask(client, path, {"contents": [HELLO] * 3}, house.key), 400)
    GOOGLE.error_of(client.get(path), 405)
