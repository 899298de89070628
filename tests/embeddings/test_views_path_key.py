"""Keys in the path: whose they are, which wire takes them, where they never show."""

import logging

import orjson
import pytest
from django.test import Client

from accounts.models import UsageEvent
from tests.fakes import FakeEngine
from tests.wires import OLLAMA


def names(response) -> list[str]:
    return [model["name"] for model in response.json()["models"]]


def in_path(key: str, path: str) -> str:
    return f"/t/{key}{path}"


def test_a_key_in_the_path_is_the_callers(
    client: Client, house, engine: FakeEngine, settings, caplog
) -> None:
    caplog.set_level(logging.DEBUG)
    settings.KEY_IN_PATH = True
    body = {"model": "all-minilm", "input": "hello world"}

    def post(path: str, key: str):
        return OLLAMA.post(
            client, key=None, path=in_path(key, path), raw=orjson.dumps(body)
        )

    served = post("/api/embed", house.key)
    foreign = post("/api/embed", house.globex_key)
    listed = client.get(in_path(house.key, "/api/tags"))
    unknown = client.get(in_path(house.key, "/api/nope"))

    assert served.status_code == 200
    assert UsageEvent.objects.get().tenant_id == house.acme.pk
    assert names(listed) == ["all-MiniLM-L6-v2:latest"]
    OLLAMA.error_of(foreign, 404)
    assert OLLAMA.error_of(unknown, 404) == "404 page not found"
    for key in (house.key, house.globex_key):
        assert key not in caplog.text + foreign.content.decode()


@pytest.mark.parametrize("path", ["", "/", "/api/version"])
def test_signs_of_life_are_there_below_a_key(path, client: Client, db, settings):
    settings.KEY_IN_PATH = True

    assert client.get(in_path("any", path)).status_code == 200


@pytest.mark.parametrize("key", ["junk", "emb_live_" + "A" * 38, "%ff", "%00", "", " "])
def test_a_bad_key_in_the_path_is_a_401(key, client: Client, house, settings) -> None:
    settings.KEY_IN_PATH = True

    response = client.get(in_path(key, "/api/tags"))

    message = OLLAMA.error_of(response, 401)
    assert not key.strip() or key not in message


def test_a_header_goes_before_the_path(client: Client, house, settings) -> None:
    settings.KEY_IN_PATH = True
    headers = {"authorization": f"Bearer {house.globex_key}"}

    response = client.get(in_path(house.key, "/api/tags"), headers=headers)

    assert names(response) == ["globex/own:latest"]


@pytest.mark.parametrize(
    "path",
    ["/v1/embeddings", "/embed", "/api/v3/inference/embeddings", "/admin/", "/t/x/api"],
)
def test_other_wires_take_no_key_from_the_path(
    path: str, client: Client, house, engine: FakeEngine, settings
) -> None:
    settings.KEY_IN_PATH = True
    body = orjson.dumps({"model": "all-minilm", "input": ["a"], "texts": ["a"]})

    response = client.post(
        in_path(house.key, path), body, content_type="application/json"
    )

    is_nugens = path.startswith("/api/v3")
    assert response.status_code == (401 if is_nugens else 404)
    assert house.key not in response.content.decode()


@pytest.mark.parametrize("path", ["", "/", "/api/tags", "/api/embed", "/api/version"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_unless_it_is_allowed_such_a_path_is_unknown(
    method: str, path: str, client: Client, house, caplog
) -> None:
    caplog.set_level(logging.DEBUG)

    response = client.generic(method, in_path(house.key, path))

    assert OLLAMA.error_of(response, 404) == client.get("/nope").json()["error"]
    assert house.key not in caplog.text + response.content.decode()
