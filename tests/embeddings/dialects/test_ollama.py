"""Ollama's wire: its answers, what they leave out, and its errors."""

import pytest

from embeddings.dialects.base import Operation
from embeddings.dialects.ollama import COMPATIBLE_VERSION
from embeddings.errors import ErrorCode
from tests.samples import (
    a_failure,
    a_result,
    as_json,
    dialect_named,
    golden,
    loaded_facts,
    minilm_facts,
    wire_request,
)

OLLAMA = dialect_named("ollama")
ROUTES = {route.path.removeprefix("api/"): route for route in OLLAMA.routes}


def parse(body: object, path: str = "embed"):
    return OLLAMA.parse(wire_request(OLLAMA, body, route=ROUTES[path]))


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


def test_the_older_answer_is_one_vector() -> None:
    request = parse({"model": "m", "prompt": "a"}, "embeddings")
    loads = parse({"model": "m"}, "embeddings")
    nothing = a_result(vectors=a_result().vectors[:0], tokens=(), truncated=())

    assert as_json(OLLAMA.render(a_result(), request)) == {
        "embedding": [0.5, -0.25, 0.125]
    }
    assert as_json(OLLAMA.render(nothing, loads)) == {"embedding": []}


@pytest.mark.parametrize(
    ("keep_alive", "reason"), [(None, "load"), ("5m", "load"), (0, "unload")]
)
@pytest.mark.parametrize(
    ("path", "nothing"),
    [
        ("generate", {"response": ""}),
        ("chat", {"message": {"role": "assistant", "content": ""}}),
    ],
)
def test_loading_is_said_to_be_done(path, nothing, keep_alive, reason: str) -> None:
    request = parse({"model": "all-minilm", "keep_alive": keep_alive}, path)

    reply = OLLAMA.render(a_result(), request)

    assert as_json(reply) == {
        "model": "all-minilm",
        "created_at": "2024-01-15T14:40:00.250000Z",
        **nothing,
        "done": True,
        "done_reason": reason,
    }


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (Operation.EMBED, 'model "Org/nope" not found, try pulling it first'),
        (Operation.LOAD, "model 'Org/nope' not found"),
        (Operation.SHOW_MODEL, "model 'Org/nope:latest' not found"),
    ],
)
def test_each_route_has_its_words_for_an_unknown_model(operation, message) -> None:
    failure = a_failure(
        ErrorCode.MODEL_NOT_FOUND, model="Org/nope", operation=operation
    )

    assert as_json(OLLAMA.render_error(failure)) == {"error": message}


def test_lists_and_facts_are_ollamas() -> None:
    answers = {
        "tags": OLLAMA.render_models([minilm_facts()]),
        "show": OLLAMA.render_model(minilm_facts()),
        "ps": OLLAMA.render_loaded([loaded_facts(model=minilm_facts())]),
    }

    for name, reply in answers.items():
        assert as_json(reply) == golden("ollama", name)
        assert reply.content_type == "application/json; charset=utf-8"
    assert as_json(OLLAMA.render_models([])) == {"models": []}
    assert as_json(OLLAMA.render_loaded([])) == {"models": []}
