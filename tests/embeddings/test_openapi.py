"""The OpenAPI document, and the commands that people paste."""

import json
import shlex
import subprocess
from pathlib import Path

import jsonschema
import pytest
from django.test import Client

from embeddings.dialects import all_dialects
from embeddings.openapi import curl_examples, document
from embeddings.tenant_api.documentation import documentation
from tests.samples import dialect_named, wire_request
from tests.wires import CHROMA


def test_the_document_is_open_to_everyone(client: Client) -> None:
    response = client.get("/openapi.json")

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.json() == json.loads(json.dumps(document()))
    assert client.head("/openapi.json").status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_refused_as_the_wires_do(method: str) -> None:
    client = Client(enforce_csrf_checks=True)

    response = client.generic(method, "/openapi.json", b"{}")

    CHROMA.error_of(response, 405)
    assert response["Allow"] == "GET, HEAD"


def test_every_route_is_an_operation_with_an_id_of_its_own() -> None:
    operations = [
        operation
        for path in document()["paths"].values()  # type: ignore[attr-defined]
        for operation in path.values()
    ]

    own = sum(map(len, documentation().paths.values()))
    routes = {(one.method, one.path) for d in all_dialects() for one in d.routes}
    assert len(operations) == own + len(routes)
    assert len({operation["operationId"] for operation in operations}) == len(
        operations
    )
    for operation in operations:
        assert operation["summary"]
        assert {"200", "201"} & {*operation["responses"]}


def test_what_two_wires_share_is_tagged_with_both() -> None:
    shared = document()["paths"]["/v1/models"]["get"]  # type: ignore[index]

    assert shared["tags"] == ["Google", "OpenAI"]


def test_parameters_in_paths_are_declared() -> None:
    operation = document()["paths"]["/v1/models/{model}"]["get"]  # type: ignore[index]

    (parameter,) = operation["parameters"]
    assert (parameter["name"], parameter["in"]) == ("model", "path")


def test_bodies_and_headers_are_described() -> None:
    operation = document()["paths"]["/embed"]["post"]  # type: ignore[index]

    content = operation["requestBody"]["content"]["application/json"]
    jsonschema.validate(content["example"], content["schema"])
    names = [parameter["name"] for parameter in operation["parameters"]]
    assert names == ["x-chroma-embedding-model", "Idempotency-Key"]


def test_what_two_wires_share_takes_what_each_does() -> None:
    operation = document()["paths"]["/embed"]["post"]  # type: ignore[index]
    (chromas, _) = operation["parameters"]

    assert operation["tags"] == ["Chroma", "TEI"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    for example in ({"texts": ["a"], "instructions": ""}, {"inputs": "a"}):
        jsonschema.validate(example, body)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"input": "a"}, body)
    assert not chromas["required"]
    assert {"424", "501"} <= set(operation["responses"])


def test_refusals_are_objects_with_the_requests_id() -> None:
    operation = document()["paths"]["/v2/embed"]["post"]  # type: ignore[index]

    spent = operation["responses"]["402"]
    assert spent["content"] == {"application/json": {"schema": {"type": "object"}}}
    assert spent["headers"]["x-request-id"]["required"]


def test_too_long_an_address_is_refused_before_anything_else() -> None:
    paths = document()["paths"]
    named = paths["/v1/models/{model}"]["get"]  # type: ignore[index]
    asked = paths["/tenant/v1/usage"]["get"]  # type: ignore[index]

    assert "414" in named["responses"]
    assert named["responses"]["414"] == asked["responses"]["414"]


def test_refusals_and_the_idempotency_key_are_described() -> None:
    paths = document()["paths"]
    embed = paths["/v1/embeddings"]["post"]  # type: ignore[index]
    models = paths["/v1/models"]["get"]  # type: ignore[index]

    assert {"200", "401", "409", "429", "503"} <= set(embed["responses"])
    assert "409" not in models["responses"]
    key = embed["parameters"][-1]
    assert (key["name"], key["required"]) == ("Idempotency-Key", False)
    assert "Idempotency-Key" not in str(models)


def test_only_public_routes_need_no_key() -> None:
    open_paths = {
        path
        for path, operations in document()["paths"].items()  # type: ignore[attr-defined]
        for operation in operations.values()
        if operation.get("security") == []
    }

    assert open_paths == {"/", "/api/version"}
    schemes = document()["components"]["securitySchemes"]  # type: ignore[index]
    assert document()["security"] == [{name: []} for name in schemes]


def test_there_is_an_example_for_each_wire() -> None:
    examples = curl_examples(base_url="http://h:1", key_file="/k")

    assert [e.title for e in examples] == [d.title for d in all_dialects()]
    assert not [e.command for e in examples if "{model}" in e.command]


def test_an_example_survives_the_shell(tmp_path: Path) -> None:
    key_file = tmp_path / "a key's file"
    key_file.write_text("emb_live_x\n")
    (tmp_path / "curl").write_text('#!/bin/sh\nprintf "%s\\0" "$@"\n')
    (tmp_path / "curl").chmod(0o755)

    for example in curl_examples(base_url="http://h:1", key_file=str(key_file)):
        done = subprocess.run(
            ["/bin/sh", "-c", example.command],
            env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
            capture_output=True,
            check=True,
        )
        arguments = done.stdout.decode().split("\0")
        assert "Authorization: Bearer emb_live_x" in arguments
        assert any(argument.startswith("http://h:1/") for argument in arguments)
        assert example.command.startswith("curl ")


@pytest.mark.parametrize("dialect", all_dialects(), ids=lambda one: one.name)
def test_an_examples_body_is_what_the_wire_takes(dialect) -> None:
    examples = curl_examples(base_url="http://h:1", key_file="/k")
    (command,) = (e.command for e in examples if e.title == dialect.title)

    body = shlex.split(command)[-1]

    request = dialect_named(dialect.name).parse(wire_request(dialect, body.encode()))
    assert request.inputs == ("hello world",)
