"""A tenant that looks after itself, over a socket."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import openai
import pytest

from accounts.rollups import ROLL_UP
from tests.live import MODEL, LiveServer

pytestmark = pytest.mark.clients

TEXT = "why is the sky blue?"
TOKENS = 8
#: Within which every process refuses a key.
REVOKED_WITHIN_S = 1.0


@pytest.fixture(scope="module")
def manager(server: LiveServer) -> str:
    """A key that may do everything."""
    scopes = [word for one in ("embed", "usage", "manage") for word in ("--scope", one)]
    answer = server.manage("create_api_key", "acme", "--json", *scopes)
    return str(json.loads(answer)["key"])


@pytest.fixture
def http(server: LiveServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, follow_redirects=False) as client:
        yield client


def ask(http: httpx.Client, method: str, path: str, key: str, **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {key}"}
    response = http.request(method, path, headers=headers, **more)
    assert response.status_code in {200, 201}, response.text
    return response.json()


def embed(http: httpx.Client, key: str) -> httpx.Response:
    body = {"model": MODEL, "input": TEXT}
    headers = {"Authorization": f"Bearer {key}"}
    return http.post("/v1/embeddings", json=body, headers=headers)


def issue(http: httpx.Client, manager: str, *scopes: str) -> tuple[int, str]:
    body = {"name": "live", "scopes": scopes}
    issued = ask(http, "POST", "/tenant/v1/keys", manager, json=body)
    return issued["id"], issued["secret"]


def is_refused_in_time(http: httpx.Client, key: str) -> bool:
    deadline = time.monotonic() + REVOKED_WITHIN_S
    while time.monotonic() < deadline:
        if embed(http, key).status_code == 401:
            return True
    return embed(http, key).status_code == 401


def test_a_key_from_issue_to_revocation(http, manager) -> None:
    first_id, first = issue(http, manager, "embed")
    assert embed(http, first).status_code == 200

    path = f"/tenant/v1/keys/{first_id}/rotate"
    rotated = ask(http, "POST", path, manager, json={"overlap_s": 3600})
    second = rotated["secret"]
    assert embed(http, first).status_code == embed(http, second).status_code == 200

    for key_id, secret in ((first_id, first), (rotated["id"], second)):
        ask(http, "DELETE", f"/tenant/v1/keys/{key_id}", manager)
        assert is_refused_in_time(http, secret)


def test_an_overlap_of_nothing_ends_the_old_key(http, manager) -> None:
    key_id, old = issue(http, manager, "embed")
    assert embed(http, old).status_code == 200

    path = f"/tenant/v1/keys/{key_id}/rotate"
    ask(http, "POST", path, manager, json={"overlap_s": 0})

    assert is_refused_in_time(http, old)


def test_limits_and_usage_follow_what_is_embedded(server, http, manager) -> None:
    key_id, key = issue(http, manager, "embed", "usage")
    server.query(
        "INSERT INTO accounts_quota (api_key_id, kind, amount)"
        " VALUES (%s, 'tokens-month', 100) RETURNING id",
        key_id,
    )

    assert embed(http, key).status_code == 200
    limits = ask(http, "GET", "/tenant/v1/limits", key)
    query = {"api_key": key_id, "group_by": "model,day"}
    before = ask(http, "GET", "/tenant/v1/usage", key, params=query)
    assert server.query(ROLL_UP, 5000)
    after = ask(http, "GET", "/tenant/v1/usage", key, params=query)

    (quota,) = [one for one in limits["quotas"] if one["holder"] == "api_key"]
    assert (quota["used"], quota["remaining"]) == (TOKENS, 100 - TOKENS)
    assert before == after
    (row,) = after["data"]
    assert (row["model"], row["requests"], row["tokens"]) == (MODEL, 1, TOKENS)


def test_me_is_the_key_that_calls(http, manager) -> None:
    found = ask(http, "GET", "/tenant/v1/me", manager)

    assert found["tenant"]["slug"] == "acme"
    assert found["api_key"]["scopes"] == ["embed", "usage", "manage"]
    models = ask(http, "GET", "/tenant/v1/models/", manager)["data"]
    assert MODEL in {model["canonical"] for model in models}


def test_openais_client_reads_usage_and_costs(server, http, manager) -> None:
    key_id, key = issue(http, manager, "embed", "usage")
    assert embed(http, key).status_code == 200
    today = int(datetime.now(UTC).timestamp())

    with openai.OpenAI(
        base_url=f"{server.url}/v1", api_key=key, admin_api_key=key
    ) as client:
        reader = client.admin.organization.usage
        usage = reader.embeddings(
            start_time=today,
            group_by=["api_key_id", "model"],
            api_key_ids=[str(key_id)],
        )
        costs = reader.costs(start_time=today, group_by=["line_item"])

    (result,) = usage.data[0].results
    assert result.object == "organization.usage.embeddings.result"
    assert (result.api_key_id, result.model) == (str(key_id), MODEL)
    assert (result.input_tokens, result.num_model_requests) == (TOKENS, 1)
    assert costs.data[0].results[0].object == "organization.costs.result"
