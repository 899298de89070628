"""What /docs tells of the tenant's API."""

import json

import pytest
from drf_spectacular.validation import validate_schema

from embeddings.openapi import document
from embeddings.tenant_api.documentation import documentation
from embeddings.tenant_api.routes import ORGANIZATION_ROUTES, TENANT_ROUTES


def test_every_route_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    paths = documentation().paths

    expected = {f"/{route}" for route in (*TENANT_ROUTES, *ORGANIZATION_ROUTES)}
    assert {path.replace("{key_id}", "<int:key_id>") for path in paths} == expected
    assert capsys.readouterr().err == ""


def test_answers_and_bodies_have_schemas() -> None:
    operations = [
        operation
        for path in documentation().paths.values()
        for operation in path.values()
    ]

    answers = [
        response["content"]["application/json"]["schema"]
        for operation in operations
        for status, response in operation["responses"].items()
        if status not in {"414", "default"}
    ]
    assert len(answers) == len(operations) == 11
    assert {operation["tags"][0] for operation in operations} == {"Tenant", "OpenAI"}
    bodies = {o["operationId"] for o in operations if "requestBody" in o}
    assert bodies == {"tenant-issue-key", "tenant-rotate-key"}


def test_queries_are_described() -> None:
    usage = documentation().paths["/tenant/v1/usage"]["get"]["parameters"]
    costs = documentation().paths["/v1/organization/costs"]["get"]["parameters"]

    names = {parameter["name"] for parameter in usage}
    assert names == {"from", "to", "group_by", "model", "api_key", "limit", "page"}
    assert {p["name"] for p in costs if p.get("required")} == {"start_time"}


def test_the_whole_is_openapi() -> None:
    validate_schema(json.loads(json.dumps(document())))
