"""Ollama's wire: what its handler takes, refuses, answers and leaves out."""

import pytest

from embeddings.dialects.go_duration import FOREVER_S
from embeddings.dialects.ollama import COMPATIBLE_VERSION
from embeddings.engine.spec import Truncate
from embeddings.errors import ApiError, ErrorCode
from tests.samples import (
    a_failure,
    a_result,
    as_json,
    dialect_named,
    golden,
    wire_request,
)

OLLAMA = dialect_named("ollama")


def parse(body: object):
    return OLLAMA.parse(wire_request(OLLAMA, body))


@pytest.mark.parametrize(
    ("body", "inputs"),
    [
        ({"input": "text"}, ("text",)),
        ({"input": ["a", "b"]}, ("a", "b")),
        ({"input": [""]}, ("",)),
        ({"input": ["a", "", "b"]}, ("a", "", "b")),
        ({"input": " "}, (" ",)),
        ({"input": ""}, ()),
        ({"input": []}, ()),
        ({"input": None}, ()),
        ({}, ()),
    ],
    ids=repr,
)
def test_empty_input_loads_and_empty_texts_are_embedded(body, inputs) -> None:
    request = parse({"model": "all-minilm", **body})

    assert request.inputs == inputs
    assert request.loads_only == (inputs == ())


@pytest.mark.parametrize(
    ("value", "truncate"),
    [(True, Truncate.END), (False, Truncate.ERROR), (None, None)],
)
def test_texts_are_cut_unless_the_caller_says_no(value, truncate) -> None:
    request = parse({"model": "m", "input": "a", "truncate": value})

    assert request.truncate is truncate
    assert request.wire_truncate is Truncate.END


@pytest.mark.parametrize(
    ("value", "dimensions"),
    [(None, None), (0, None), (-5, None), (128, 128), (99999, 99999)],
)
def test_odd_sizes_ask_for_the_full_vector(value, dimensions) -> None:
    request = parse({"model": "m", "input": "a", "dimensions": value})

    assert request.dimensions == dimensions
    assert request.ignores_odd_dimensions


def test_fields_are_found_whatever_their_case_and_the_last_one_wins() -> None:
    body = b'{"MODEL": "a", "Model": "b", "INPUT": "x", "Keep_Alive": -1, "x": 1}'

    request = parse(body)

    assert request.model == "b"
    assert request.inputs == ("x",)
    assert request.keep_alive_s == FOREVER_S


def test_null_is_absent_everywhere() -> None:
    names = ("input", "truncate", "dimensions", "keep_alive", "options")

    request = parse({"model": "m", **dict.fromkeys(names)})

    assert request == parse({"model": "m"})


def test_num_ctx_is_the_window() -> None:
    request = parse({"model": "m", "input": "a", "options": {"num_ctx": 16}})

    assert request.max_tokens == 16


@pytest.mark.parametrize(
    "name",
    [
        "all-minilm",
        "all-minilm:latest",
        "All-MiniLM:22M",
        " all-minilm ",
        "sentence-transformers/all-MiniLM-L6-v2",
        "chroma/all-minilm-l6-v2-f32",
        "registry.ollama.ai/library/all-minilm:latest",
        "localhost:5000/me/mine",
        "_a",
        "a" * 80,
    ],
)
def test_a_name_is_passed_on_as_it_was_sent(name: str) -> None:
    assert parse({"model": name}).model == name


@pytest.mark.parametrize(
    "name",
    [
        "a b",
        "a\x00",
        "-a",
        ".a",
        "a/",
        "/a",
        "a//b",
        "a:",
        "../a",
        "a/b/c/d",
        "ä",
        "a\n",
        "a" * 81,
        " ",
    ],
    ids=repr,
)
def test_what_ollama_would_not_take_for_a_name_is_invalid(name: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse({"model": name})

    assert caught.value.status_code == 400
    assert str(caught.value.detail) == "invalid model name"


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 400, "missing request body"),
        (b" \n", 400, "missing request body"),
        (
            [],
            400,
            "json: cannot unmarshal array into Go value of type api.EmbedRequest",
        ),
        (
            5,
            400,
            "json: cannot unmarshal number into Go value of type api.EmbedRequest",
        ),
        (
            {"model": 5},
            400,
            (
                "json: cannot unmarshal number into Go struct field EmbedRequest.model"
                " of type string"
            ),
        ),
        (
            {"model": "m", "truncate": "yes"},
            400,
            (
                "json: cannot unmarshal string into Go struct field"
                " EmbedRequest.truncate of type bool"
            ),
        ),
        (
            {"model": "m", "truncate": 1},
            400,
            (
                "json: cannot unmarshal number into Go struct field"
                " EmbedRequest.truncate of type bool"
            ),
        ),
        (
            {"model": "m", "dimensions": 1.5},
            400,
            (
                "json: cannot unmarshal number 1.5 into Go struct field"
                " EmbedRequest.dimensions of type int"
            ),
        ),
        (
            {"model": "m", "dimensions": True},
            400,
            (
                "json: cannot unmarshal bool into Go struct field"
                " EmbedRequest.dimensions of type int"
            ),
        ),
        (
            {"model": "m", "dimensions": 2**63},
            400,
            (
                "json: cannot unmarshal number 9223372036854775808 into Go struct field"
                " EmbedRequest.dimensions of type int"
            ),
        ),
        (
            {"model": "m", "options": []},
            400,
            (
                "json: cannot unmarshal array into Go struct field EmbedRequest.options"
                " of type map[string]interface {}"
            ),
        ),
        ({"model": "m", "input": 5}, 400, "invalid input type"),
        ({"model": "m", "input": True}, 400, "invalid input type"),
        ({"model": "m", "input": {}}, 400, "invalid input type"),
        ({"model": "m", "input": ["a", 5]}, 400, "invalid input type"),
        ({"model": "m", "input": ["a", None]}, 400, "invalid input type"),
        ({"model": "m", "input": [["a"]]}, 400, "invalid input type"),
        (
            {"model": "m", "keep_alive": "10"},
            400,
            'time: missing unit in duration "10"',
        ),
        (
            {"model": "m", "input": "a", "options": {"num_ctx": 2}},
            400,
            "input after truncation exceeds maximum context length",
        ),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_refusals_are_in_ollamas_words(body, status: int, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse(body)

    assert caught.value.status_code == status
    assert str(caught.value.detail) == message


@pytest.mark.parametrize(
    "body", [{}, {"model": ""}, {"model": None}, {"model": "", "input": 5}, b"null"]
)
def test_no_model_is_a_404(body) -> None:
    with pytest.raises(ApiError) as caught:
        parse(body)

    failure = a_failure(ErrorCode.MODEL_NOT_FOUND, model=caught.value.model)
    assert caught.value.status_code == 404
    assert as_json(OLLAMA.render_error(failure)) == {"error": "model '' not found"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"keep_alive": "x", "model": 5, "input": 5}, "invalid duration"),
        ({"truncate": 5, "model": "a b", "input": 5}, "truncate"),
        ({"model": "a b", "input": 5}, "invalid model name"),
        ({"model": "m", "input": 5, "options": {"num_ctx": "x"}}, "invalid input type"),
    ],
    ids=repr,
)
def test_the_first_fault_in_ollamas_order_wins(body, words: str) -> None:
    with pytest.raises(ApiError, match=words):
        parse(body)


def test_the_answer_has_durations_in_nanoseconds() -> None:
    reply = OLLAMA.render(a_result(), parse({"model": "m", "input": "a"}))

    assert as_json(reply) == golden("ollama", "embed")
    assert reply.content_type == "application/json; charset=utf-8"


def test_an_answer_leaves_out_what_is_zero() -> None:
    result = a_result(load_ns=0)

    reply = OLLAMA.render(result, parse({"model": "m", "input": "a"}))

    assert "load_duration" not in as_json(reply)  # type: ignore[operator]


def test_a_preload_answers_with_no_vectors_and_nothing_else() -> None:
    result = a_result(vectors=a_result().vectors[:0], tokens=(), truncated=())

    reply = OLLAMA.render(result, parse({"model": "all-minilm"}))

    assert as_json(reply) == {"model": "all-minilm", "embeddings": []}


@pytest.mark.parametrize("code", list(ErrorCode), ids=str)
def test_errors_are_a_string_under_error(code: ErrorCode) -> None:
    reply = OLLAMA.render_error(a_failure(code))

    assert {"status": reply.status, "body": as_json(reply)} == golden(
        "ollama", "errors"
    )[code]


def test_signs_of_life() -> None:
    routes = {route.path: route for route in OLLAMA.routes}
    version = wire_request(OLLAMA, route=routes["api/version"])
    root = wire_request(OLLAMA, route=routes[""])

    assert as_json(OLLAMA.render_version(version)) == {"version": COMPATIBLE_VERSION}
    assert OLLAMA.render_version(root).body == b"Ollama is running"
    assert OLLAMA.render_version(root).content_type.startswith("text/plain")
