"""Cohere's wire, as its SDKs and chromadb's function speak it."""

import pytest

from embeddings.engine.spec import Role, Truncate
from embeddings.errors import ApiError, ErrorCode, ModelRequiredError
from embeddings.types import EmbeddingRequest
from tests.samples import (
    a_failure,
    a_result,
    as_json,
    dialect_named,
    golden,
    wire_request,
)

COHERE = dialect_named("cohere")
ROUTES = {route.path[:2]: route for route in COHERE.routes}
TYPES = ["float", "int8", "uint8", "binary", "ubinary", "base64"]
TEXT = {"type": "text", "text": "a"}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}

both = pytest.mark.parametrize("version", ["v1", "v2"])


def parse(version: str = "v2", **body: object) -> EmbeddingRequest:
    return COHERE.parse(wire_request(COHERE, body, route=ROUTES[version]))


def refusal(version: str = "v2", **body: object) -> ApiError:
    with pytest.raises(ApiError) as caught:
        parse(version, **{"model": "m", **body})
    assert caught.value.status_code == 400
    return caught.value


@both
def test_what_the_sdks_send_at_least(version: str) -> None:
    request = parse(version, texts=["a", " b ", "", "a"], model="org/m")

    assert request.model == "org/m"
    assert request.inputs == ("a", " b ", "", "a")
    assert (request.role, request.truncate) == (Role.NONE, None)
    assert request.wire_truncate is Truncate.END
    assert (request.dimensions, request.max_tokens) == (None, None)


def test_every_field_is_taken_and_others_are_ignored() -> None:
    request = parse(
        model="m",
        texts=["a"],
        images=[],
        inputs=None,
        input_type="search_query",
        embedding_types=["int8", "float", "int8"],
        output_dimension=256,
        max_tokens=16,
        truncate="START",
        priority=0,
        stream=5,
    )

    assert (request.dimensions, request.max_tokens) == (256, 16)
    assert (request.role, request.truncate) == (Role.QUERY, Truncate.START)
    assert request.encodings == ("int8", "float")
    assert not request.ignores_odd_dimensions


@both
@pytest.mark.parametrize(
    ("value", "role"),
    [
        ("search_document", "document"),
        ("search_query", "query"),
        ("classification", "none"),
        ("clustering", "none"),
        (None, "none"),
    ],
)
def test_the_input_type_is_the_role(version: str, value, role: str) -> None:
    assert parse(version, model="m", texts=["a"], input_type=value).role == role


@both
@pytest.mark.parametrize(
    ("value", "cut"),
    [("NONE", "error"), ("START", "start"), ("END", "end"), (None, None)],
)
def test_the_cut_is_the_callers(version: str, value, cut) -> None:
    assert parse(version, model="m", texts=["a"], truncate=value).truncate == cut


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([TEXT], "a"),
        ([TEXT, TEXT], "a\na"),
        ([{"type": "text", "text": " ", "more": 1}], " "),
    ],
)
def test_inputs_are_texts(content, text: str) -> None:
    assert parse(model="m", inputs=[{"content": content}]).inputs == (text,)


@both
@pytest.mark.parametrize(
    "fields",
    [
        {"images": ["data:image/png;base64,AAAA"], "input_type": "image"},
        {"images": ["x"], "texts": ["a"]},
        {"texts": ["a"], "input_type": "image"},
        {"inputs": [{"content": [TEXT, IMAGE]}]},
    ],
    ids=repr,
)
def test_images_are_refused(version: str, fields) -> None:
    assert "images are not supported" in str(refusal(version, **fields).detail)


@both
@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "texts"),
        ({"texts": []}, "texts"),
        ({"texts": None, "inputs": []}, "texts"),
        ({"texts": ["a"], "inputs": [{"content": [TEXT]}]}, "texts"),
        ({"texts": "a"}, "texts"),
        ({"texts": ["a", 1]}, "texts"),
        ({"texts": ["a", None]}, "texts"),
        ({"texts": [["a"]]}, "texts"),
        ({"texts": {"a": "b"}}, "texts"),
        ({"texts": False}, "texts"),
        ({"inputs": "a"}, "inputs"),
        ({"inputs": ["a"]}, "inputs"),
        ({"inputs": [{}]}, "inputs"),
        ({"inputs": [{"content": "a"}]}, "inputs"),
        ({"inputs": [{"content": []}]}, "inputs"),
        ({"inputs": [{"content": [TEXT]}, {"content": ["a"]}]}, "inputs"),
        ({"inputs": [{"content": [{"type": "text"}]}]}, "inputs"),
        ({"inputs": [{"content": [{"type": ["text"], "text": "a"}]}]}, "inputs"),
        ({"texts": ["a"], "input_type": "Search_Query"}, "input_type"),
        ({"texts": ["a"], "input_type": 5}, "input_type"),
        ({"texts": ["a"], "truncate": "LEFT"}, "truncate"),
        ({"texts": ["a"], "truncate": "end"}, "truncate"),
        ({"texts": ["a"], "truncate": True}, "truncate"),
        ({"texts": ["a"], "embedding_types": "float"}, "embedding_types"),
        ({"texts": ["a"], "embedding_types": ["float", "bit"]}, "embedding_types"),
        ({"texts": ["a"], "embedding_types": [["float"]]}, "embedding_types"),
        ({"texts": ["a"], "output_dimension": 0}, "output_dimension"),
        ({"texts": ["a"], "output_dimension": "256"}, "output_dimension"),
        ({"texts": ["a"], "output_dimension": True}, "output_dimension"),
        ({"texts": ["a"], "max_tokens": -1}, "max_tokens"),
        ({"texts": ["a"], "max_tokens": 1.5}, "max_tokens"),
        ({"texts": ["a"], "model": 5}, "model"),
    ],
    ids=repr,
)
def test_a_bad_field_is_refused(version: str, fields, param: str) -> None:
    error = refusal(version, **fields)

    assert error.param == param
    assert param in str(error.detail)


@pytest.mark.parametrize("model", [None, ""])
def test_version_1_leaves_the_model_to_the_default(model) -> None:
    assert parse("v1", texts=["a"]).model is None
    assert parse("v1", texts=["a"], model=model).model is None


@pytest.mark.parametrize("body", [{}, {"model": ""}, {"model": None}], ids=repr)
def test_version_2_requires_a_model(body) -> None:
    with pytest.raises(ModelRequiredError):
        parse("v2", texts=["a"], **body)


@pytest.mark.parametrize(
    ("name", "version", "types"),
    [
        ("floats", "v1", None),
        ("floats", "v1", []),
        ("v1_types", "v1", ["float", "int8"]),
        ("v2", "v2", None),
        ("v2", "v2", []),
        ("v2", "v2", ["float"]),
        ("v2_types", "v2", TYPES),
    ],
)
def test_the_answer(name: str, version: str, types) -> None:
    request = parse(version, model="m", texts=["a", "b"], embedding_types=types)

    reply = COHERE.render(a_result(), request)

    assert as_json(reply) == golden("cohere", name)


def test_inputs_are_answered_with_their_texts() -> None:
    inputs = [{"content": [{"type": "text", "text": text}]} for text in "ab"]

    reply = COHERE.render(a_result(), parse(model="m", inputs=inputs))

    assert as_json(reply) == golden("cohere", "v2")


@pytest.mark.parametrize("code", list(ErrorCode), ids=str)
def test_errors_have_an_id_and_a_message(code: ErrorCode) -> None:
    reply = COHERE.render_error(a_failure(code))

    assert {"status": reply.status, "body": as_json(reply)} == golden(
        "cohere", "errors"
    )[code]
