"""What is answered beside embeddings: signs of life, models, loading."""

import pytest
from django.test import Client

from accounts.models import UsageEvent
from tests.factories import make_api_key
from tests.fakes import FakeEngine
from tests.wires import CHROMA, OLLAMA, OPENAI


def test_signs_of_life_are_public(client: Client, db: None) -> None:
    get, head = client.get("/"), client.head("/")

    assert (get.status_code, get.content) == (200, b"Ollama is running")
    assert (head.status_code, head.content) == (200, b"")
    assert get["Content-Type"].startswith("text/plain")
    assert set(client.get("/api/version").json()) == {"version"}
    assert client.head("/api/version").status_code == 200
    assert client.get("/api/version/").status_code == 200


def test_the_root_allows_what_its_two_wires_allow(client: Client, db: None) -> None:
    response = client.delete("/")

    assert CHROMA.error_of(response, 405)
    assert response["Allow"] == "GET, HEAD, POST"


def test_models_are_the_callers_own(client: Client, house) -> None:
    def names(key: str) -> list[str]:
        response = client.get("/v1/models", headers={"api-key": key})
        return [model["id"] for model in response.json()["data"]]

    held = make_api_key(house.acme, model_names=["another"]).secret

    assert names(house.key) == ["all-MiniLM-L6-v2"]
    assert names(house.globex_key) == ["globex/own"]
    assert names(house.outsider_key) == names(held) == []
    OPENAI.error_of(client.get("/v1/models"), 401)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("globex/own", "globex/own"),
        ("globex%2Fown", "globex/own"),
        ("globex/own/", "globex/own"),
        ("Globex-Alias:latest", "Globex-Alias:latest"),
    ],
)
def test_one_model_is_shown_under_the_name_asked(
    path: str, shown: str, client: Client, house
) -> None:
    headers = {"api-key": house.globex_key}

    response = client.get(f"/v1/models/{path}", headers=headers)

    assert response.json()["id"] == shown
    foreign = client.get(f"/v1/models/{path}", headers={"api-key": house.key})
    OPENAI.error_of(foreign, 404)


def test_an_alias_of_the_tenants_own_wins(client: Client, house, engine) -> None:
    house.globex.model_grants.update(alias="all-MiniLM-L6-v2")

    OPENAI.post(client, key=house.globex_key, model="all-MiniLM-L6-v2")

    assert UsageEvent.objects.get().model == "globex/own"


def test_preloading_loads_and_is_metered_with_nothing(
    client: Client, house, engine: FakeEngine
) -> None:
    raw = b'{"model": "all-minilm", "keep_alive": "10m"}'

    response = OLLAMA.post(client, key=house.key, raw=raw)

    assert response.json() == {"model": "all-minilm", "embeddings": []}
    assert [spec.name for spec in engine.loads] == ["all-MiniLM-L6-v2"]
    assert engine.calls[0].keep_alive_s == 600
    event = UsageEvent.objects.get()
    assert (event.status, event.texts, event.tokens) == (200, 0, 0)


def test_no_texts_are_no_work(client: Client, house, engine: FakeEngine) -> None:
    response = CHROMA.post(client, (), key=house.key)

    assert response.json() == {"embeddings": [], "num_tokens": 0}
    assert engine.calls == []
    assert UsageEvent.objects.get().tokens == 0
