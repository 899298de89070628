"""OpenAI's wire, as its SDKs and chromadb's function speak it."""

import base64

import numpy as np
import pytest

from embeddings.engine.spec import Truncate
from embeddings.errors import ApiError, ErrorCode, ModelRequiredError
from tests.samples import (
    a_failure,
    a_result,
    as_json,
    dialect_named,
    golden,
    some_facts,
    wire_request,
)

OPENAI = dialect_named("openai")


def parse(body: object):
    return OPENAI.parse(wire_request(OPENAI, body))


@pytest.mark.parametrize(
    ("value", "inputs"),
    [
        ("hello", ("hello",)),
        (" ", (" ",)),
        (["a", " b ", "a"], ("a", " b ", "a")),
        ([101, 102], ((101, 102),)),
        ([[101, 102], [7]], ((101, 102), (7,))),
    ],
    ids=repr,
)
def test_texts_and_token_ids(value, inputs) -> None:
    request = parse({"model": "m", "input": value})

    assert request.inputs == inputs
    assert request.wire_truncate is Truncate.ERROR
    assert request.encodings == ("float",)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        [],
        ["a", ""],
        ["a", None],
        ["a", 1],
        [1, "a"],
        [1, True],
        [True],
        [1.0],
        [[]],
        [[1], []],
        [[1], ["a"]],
        [[1], "a"],
        [[1, True]],
        [[[1]]],
        5,
        {"text": "a"},
    ],
    ids=repr,
)
def test_a_bad_input_is_refused_in_openais_words(value) -> None:
    with pytest.raises(ApiError) as caught:
        parse({"model": "m", "input": value})

    assert caught.value.status_code == 400
    assert caught.value.param == "input"
    assert str(caught.value.detail).startswith("'$.input' is invalid")


@pytest.mark.parametrize(
    ("value", "encoding"),
    [(None, "float"), ("float", "float"), ("base64", "base64"), ("BASE64", "base64")],
)
def test_the_encoding_is_float_unless_asked(value, encoding: str) -> None:
    request = parse({"model": "m", "input": "a", "encoding_format": value})

    assert request.encodings == (encoding,)


@pytest.mark.parametrize("value", ["md5", "", 5, True, ["float"], "x" * 10_000])
def test_another_encoding_is_refused(value) -> None:
    with pytest.raises(ApiError, match="Supported values") as caught:
        parse({"model": "m", "input": "a", "encoding_format": value})

    assert caught.value.param == "encoding_format"
    assert len(str(caught.value.detail)) < 200


@pytest.mark.parametrize("value", [0, -1, True, 1.5, "128", [], 2.0])
def test_odd_dimensions_are_refused(value) -> None:
    with pytest.raises(ApiError) as caught:
        parse({"model": "m", "input": "a", "dimensions": value})

    assert caught.value.status_code == 400
    assert caught.value.param == "dimensions"


def test_every_documented_field_is_taken_and_others_are_ignored() -> None:
    request = parse(
        {"model": "m", "input": "a", "dimensions": 128, "user": "u", "truncate": 1}
    )

    assert request.dimensions == 128
    assert not request.ignores_odd_dimensions
    assert request.truncate is None


def test_a_user_is_text() -> None:
    with pytest.raises(ApiError, match="user"):
        parse({"model": "m", "input": "a", "user": 5})


@pytest.mark.parametrize("body", [{}, {"model": ""}, {"model": None}], ids=repr)
def test_a_model_is_required(body) -> None:
    with pytest.raises(ModelRequiredError):
        parse({"input": "a", **body})


def test_the_answer_with_numbers() -> None:
    reply = OPENAI.render(a_result(), parse({"model": "m", "input": "a"}))

    assert as_json(reply) == golden("openai", "float")
    assert reply.headers["openai-processing-ms"] == "19"
    assert reply.headers["openai-version"] == "2020-10-01"


def test_the_answer_with_base64() -> None:
    request = parse({"model": "m", "input": "a", "encoding_format": "base64"})

    reply = OPENAI.render(a_result(), request)

    assert as_json(reply) == golden("openai", "base64")


def test_base64_is_little_endian_float32() -> None:
    vectors = np.array([[0.1, -0.2, 0.3]], dtype=np.float32)
    request = parse({"model": "m", "input": "a", "encoding_format": "base64"})

    body = as_json(OPENAI.render(a_result(vectors=vectors), request))

    text = body["data"][0]["embedding"]  # type: ignore[index, call-overload]
    assert text == "zczMPc3MTL6amZk+"
    assert (np.frombuffer(base64.b64decode(text), "<f4") == vectors[0]).all()


def test_numbers_survive_the_way_through_json() -> None:
    vectors = np.random.default_rng(7).normal(size=(2, 384)).astype(np.float32)

    body = as_json(
        OPENAI.render(a_result(vectors=vectors), parse({"model": "m", "input": "a"}))
    )

    rows = [item["embedding"] for item in body["data"]]  # type: ignore[index, call-overload]
    assert (np.array(rows, dtype=np.float32) == vectors).all()


def test_models_are_listed_and_shown() -> None:
    facts = some_facts()

    assert as_json(OPENAI.render_models([facts])) == golden("openai", "models")
    assert as_json(OPENAI.render_models([])) == {"object": "list", "data": []}
    assert as_json(OPENAI.render_model(facts)) == golden("openai", "models")["data"][0]


@pytest.mark.parametrize("code", list(ErrorCode), ids=str)
def test_errors_have_the_four_fields(code: ErrorCode) -> None:
    reply = OPENAI.render_error(a_failure(code))

    assert {"status": reply.status, "body": as_json(reply)} == golden(
        "openai", "errors"
    )[code]


@pytest.mark.parametrize("code", list(ErrorCode), ids=str)
def test_what_stays_as_it_is_is_not_worth_a_retry(code: ErrorCode) -> None:
    headers = OPENAI.render_error(a_failure(code)).headers

    assert headers.get("x-should-retry") == (
        "false" if code in {ErrorCode.QUOTA_EXCEEDED, ErrorCode.PROVIDER} else None
    )
