"""How a client asks the tenant's API, and what every answer of it is held to."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jsonschema
import orjson
from django.test import Client

from accounts import partitions
from accounts.metering import ledger
from accounts.models import ApiKey
from embeddings.openapi import document
from tests.factories import make_usage

DAY = datetime(2026, 1, 15, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Api:
    """A client with a key."""

    client: Client
    key: str | None

    def ask(self, method: str, path: str, body: object = None, **query: Any) -> Any:
        """The answer, checked against the OpenAPI document."""
        raw = b"" if body is None else orjson.dumps(body)
        response = self.client.generic(
            method,
            path,
            raw,
            headers={"authorization": f"Bearer {self.key}"} if self.key else {},
            query_params=query,
        )
        check_documented(method, path, response)
        return response

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """What a GET that succeeds answers."""
        response = self.ask("GET", path, **query)
        assert response.status_code == 200, response.content
        return response.json()


def check_documented(method: str, path: str, response: Any) -> None:
    """Hold an answer to its schema in the document, where it has one."""
    assert response["Cache-Control"] == "no-store"
    route = re.sub(r"/\d+", "/{key_id}", path.rstrip("/"))
    operation = document()["paths"].get(route, {}).get(method.lower())
    if operation is None:
        return
    status = str(response.status_code)
    expected = operation["responses"].get(status, operation["responses"]["default"])
    if "content" not in expected:
        return
    assert response["Content-Type"] in expected["content"]
    schema = expected["content"][response["Content-Type"]]["schema"]
    jsonschema.validate(
        response.json(),
        {
            **schema,
            "components": document()["components"],
            "unevaluatedProperties": False,
        },
        format_checker=jsonschema.FormatChecker(),
    )


def problem_of(response: Any, status: int) -> dict[str, Any]:
    """The problem that a refusal tells of."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["type"] == "about:blank"
    assert problem["instance"] == f"urn:uuid:{response['x-request-id']}"
    return problem


def record(api_key: ApiKey, **fields: Any) -> None:
    """Write a usage event, of the day's first hour unless told."""
    facts = {"texts": 2, "truncated": 1, "list_nanos": 70, "occurred_at": DAY}
    usage = make_usage(api_key, **{"model": "all-MiniLM-L6-v2", **facts, **fields})
    partitions.ensure_month(usage.occurred_at)
    ledger.record([usage])
