"""Azure's addresses: names with slashes, two surfaces, and whose the errors are."""

import orjson
import pytest
from django.test import Client

from accounts.models import UsageEvent
from tests.factories import grant, make_model
from tests.fakes import FakeEngine
from tests.wires import AZURE

BODY = {"input": "hello", "model": "text-embedding-ada-002"}


def post(client: Client, path: str, body: object, key: str):
    raw = orjson.dumps(body)
    return client.post(path, raw, content_type="x/y", headers={"api-key": key})


@pytest.mark.parametrize("name", ["org/own", "org%2Fown", "ORG%2fOwn"])
@pytest.mark.parametrize("query", ["?api-version=2024-10-21", "?api-version=x", ""])
def test_a_deployment_may_hold_slashes(
    name: str, query: str, client: Client, house, engine: FakeEngine
) -> None:
    grant(house.acme, make_model("org/own"))

    response = post(
        client, f"/openai/deployments/{name}/embeddings{query}", BODY, house.key
    )

    assert response.status_code == 200
    assert response.json()["model"].lower() == "org/own"
    event = UsageEvent.objects.get()
    assert (event.model, event.wire) == ("org/own", "azure_openai")


def test_v1_takes_the_model_of_the_body(
    client: Client, house, engine: FakeEngine
) -> None:
    path = "/openai/v1/embeddings"

    response = post(client, path, {**BODY, "model": "all-minilm"}, house.key)
    unknown = post(client, path, BODY, house.key)

    assert response.json()["model"] == "all-minilm"
    assert "text-embedding-ada-002" in AZURE.error_of(unknown, 404)
    assert unknown.json()["error"]["code"] == "DeploymentNotFound"


@pytest.mark.parametrize("below", ["/openai", "/openai/v1"])
def test_models_are_listed_and_shown(below: str, client: Client, house) -> None:
    headers = {"api-key": house.key}

    listed = client.get(f"{below}/models", headers=headers).json()
    shown = client.get(f"{below}/models/all-minilm", headers=headers).json()

    assert [model["id"] for model in listed["data"]] == ["all-MiniLM-L6-v2"]
    assert (shown["id"], shown["object"]) == ("all-minilm", "model")


@pytest.mark.parametrize(
    "path",
    [
        "/openai",
        "/openai/deployments/all-minilm/chat/completions",
        "/openai/v1/chat/completions",
        "/openai/responses",
    ],
)
def test_other_paths_below_openai_are_azures(path: str, client: Client, db) -> None:
    response = client.post(path, {"messages": []}, content_type="application/json")

    assert AZURE.error_of(response, 404) == "Resource not found"
    assert response.json()["error"]["code"] == "404"
