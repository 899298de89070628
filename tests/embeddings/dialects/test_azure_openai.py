"""Azure OpenAI's wire, as AzureOpenAI and chromadb's function speak it."""

import pytest

from embeddings.engine.spec import Truncate
from embeddings.errors import ApiError, ErrorCode, ModelRequiredError
from tests.samples import (
    a_failure,
    a_result,
    as_json,
    dialect_named,
    golden,
    wire_request,
)

AZURE = dialect_named("azure_openai")
V1 = next(route for route in AZURE.routes if route.path == "openai/v1/embeddings")


def parse(body: object, route=None):
    return AZURE.parse(wire_request(AZURE, body, route=route))


def test_the_deployment_goes_before_the_model_in_the_body() -> None:
    # What AzureOpenAI(azure_deployment=…) sends when another model is named.
    request = parse({"model": "anything", "input": "hello"})

    assert request.model == "all-minilm"
    assert request.inputs == ("hello",)
    assert request.wire_truncate is Truncate.ERROR


def test_the_body_may_name_no_model() -> None:
    assert parse({"input": ["a", "b"], "encoding_format": "base64"}).encodings == (
        "base64",
    )


def test_below_v1_the_body_names_the_model() -> None:
    request = parse({"model": "m", "input": "hello", "dimensions": 8}, V1)

    assert (request.model, request.dimensions) == ("m", 8)


@pytest.mark.parametrize("model", [None, ""])
def test_below_v1_a_model_is_needed(model) -> None:
    with pytest.raises(ModelRequiredError):
        parse({"model": model, "input": "hello"}, V1)


@pytest.mark.parametrize(
    "body",
    [{"input": ""}, {"input": []}, {}, {"input": "a", "model": 5}],
    ids=["empty", "no-texts", "no-input", "model-is-a-number"],
)
def test_bad_bodies_are_refused_as_openais(body) -> None:
    with pytest.raises(ApiError) as caught:
        parse(body)

    assert caught.value.status_code == 400


def test_the_answer_is_openais() -> None:
    reply = AZURE.render(a_result(), parse({"input": "a"}))

    assert as_json(reply) == golden("openai", "float")


@pytest.mark.parametrize("code", list(ErrorCode), ids=str)
def test_errors_are_the_gateways_or_the_models(code: ErrorCode) -> None:
    reply = AZURE.render_error(a_failure(code))

    assert {"status": reply.status, "body": as_json(reply)} == golden(
        "azure_openai", "errors"
    )[code]


@pytest.mark.parametrize("code", list(ErrorCode), ids=str)
def test_statuses_and_headers_are_openais(code: ErrorCode) -> None:
    reply = AZURE.render_error(a_failure(code))
    openais = dialect_named("openai").render_error(a_failure(code))

    assert (reply.status, reply.headers) == (openais.status, openais.headers)
