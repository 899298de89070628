"""Nugen's wire."""

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

NUGEN = dialect_named("nugen")


def parse(body: object):
    return NUGEN.parse(wire_request(NUGEN, body))


@pytest.mark.parametrize(
    ("value", "inputs"),
    [
        ("hello", ("hello",)),
        (" ", (" ",)),
        (["a"], ("a",)),
        (["a", " b ", "a"], ("a", " b ", "a")),
    ],
    ids=repr,
)
def test_one_text_or_several(value, inputs) -> None:
    request = parse({"model": "m", "input": value})

    assert request.inputs == inputs
    assert request.model == "m"
    assert request.wire_truncate is Truncate.ERROR


@pytest.mark.parametrize("dimensions", [None, 1, 123, 768])
def test_a_size_may_be_asked_for(dimensions) -> None:
    request = parse({"model": "m", "input": "a", "dimensions": dimensions})

    assert request.dimensions == dimensions
    assert not request.ignores_odd_dimensions


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"model": "m"}, "input"),
        ({"model": "m", "input": ""}, "input"),
        ({"model": "m", "input": []}, "input"),
        ({"model": "m", "input": ["a", ""]}, "input"),
        ({"model": "m", "input": ["a", None]}, "input"),
        ({"model": "m", "input": [1, 2]}, "input"),
        ({"model": "m", "input": 5}, "input"),
        ({"model": "m", "input": {"text": "a"}}, "input"),
        ({"model": "m", "input": "a", "dimensions": 0}, "dimensions"),
        ({"model": "m", "input": "a", "dimensions": -1}, "dimensions"),
        ({"model": "m", "input": "a", "dimensions": True}, "dimensions"),
        ({"model": "m", "input": "a", "dimensions": 1.0}, "dimensions"),
        ({"model": "m", "input": "a", "dimensions": "5"}, "dimensions"),
        ({"model": 5, "input": "a"}, "model"),
    ],
    ids=repr,
)
def test_a_bad_field_is_named(body, place: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse(body)

    assert caught.value.param == place


@pytest.mark.parametrize(
    "body", [{"input": "a"}, {"model": "", "input": "a"}, {"model": None}], ids=repr
)
def test_a_model_is_required(body) -> None:
    with pytest.raises(ModelRequiredError):
        parse(body)


def test_the_answer_has_the_documented_fields() -> None:
    reply = NUGEN.render(a_result(), parse({"model": "m", "input": ["a", "b"]}))

    assert as_json(reply) == golden("nugen", "embed")


@pytest.mark.parametrize("code", list(ErrorCode), ids=str)
def test_errors_are_a_list_of_what_and_where(code: ErrorCode) -> None:
    reply = NUGEN.render_error(a_failure(code))

    assert {"status": reply.status, "body": as_json(reply)} == golden(
        "nugen", "errors"
    )[code]


def test_an_error_points_at_its_field() -> None:
    reply = NUGEN.render_error(a_failure(ErrorCode.INVALID, param="input"))

    assert as_json(reply) == {
        "detail": [
            {"loc": ["body", "input"], "msg": "what went wrong", "type": "value_error"}
        ]
    }
