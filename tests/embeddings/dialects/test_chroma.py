"""Chroma's dense wire, as its hosted embedding functions speak it."""

from dataclasses import replace

import pytest

from embeddings.dialects.chroma import MODEL_HEADER
from embeddings.engine.spec import Output, Role, Truncate
from embeddings.errors import ApiError, ErrorCode, ModelRequiredError
from tests.samples import (
    a_failure,
    a_result,
    a_sparse_result,
    as_json,
    dialect_named,
    golden,
    wire_request,
)

CHROMA = dialect_named("chroma")
QUESTION = (
    "Given a question about coding, retrieval code or passage that can solve"
    " user's question"
)


def parse(body: object):
    return CHROMA.parse(wire_request(CHROMA, body))


@pytest.mark.parametrize(
    ("body", "instruction", "task", "target"),
    [
        ({"instructions": ""}, "", None, None),
        ({"instructions": QUESTION}, QUESTION, None, None),
        ({"instructions": None}, None, None, None),
        ({"task": "", "target": ""}, None, "", ""),
        ({"task": None, "target": None}, None, None, None),
        ({"task": "nl_to_code", "target": "query"}, None, "nl_to_code", "query"),
        (
            {"instructions": "mine", "task": "nl_to_code", "target": "query"},
            "mine",
            "nl_to_code",
            "query",
        ),
        (
            {"instructions": None, "task": "nl_to_code", "target": "documents"},
            None,
            "nl_to_code",
            "documents",
        ),
    ],
    ids=repr,
)
def test_instructions_come_by_themselves_or_by_task(
    body, instruction, task, target
) -> None:
    request = parse({"texts": ["hello"], **body})

    assert request.instruction == instruction
    assert (request.task, request.target) == (task, target)


def test_what_the_cloud_function_sends_is_understood() -> None:
    request = parse({"instructions": "", "texts": ["hello", "", " a ", "hello"]})

    assert request.model == "all-minilm"
    assert request.inputs == ("hello", "", " a ", "hello")
    assert request.role is Role.NONE
    assert request.truncate is None
    assert request.wire_truncate is Truncate.END
    assert not request.loads_only


@pytest.mark.parametrize(
    ("target", "role"),
    [
        ("query", Role.QUERY),
        ("documents", Role.DOCUMENT),
        ("elsewhere", Role.NONE),
        ("", Role.NONE),
        (None, Role.NONE),
    ],
    ids=repr,
)
def test_the_target_tells_what_texts_are_for(target, role) -> None:
    assert parse({"texts": ["a"], "task": "", "target": target}).role is role


def test_vectors_may_be_asked_for_in_a_size() -> None:
    asked = {"instructions": "", "dimensions": 64}

    assert parse({"texts": ["a"], **asked}).dimensions == 64
    assert parse_sparse(**asked).dimensions is None
    assert parse({"texts": ["a"], "instructions": ""}).dimensions is None


def test_an_empty_list_is_an_empty_answer() -> None:
    request = parse({"instructions": "", "texts": []})

    assert request.inputs == ()
    assert not request.loads_only


def test_unknown_fields_are_ignored() -> None:
    body = {"texts": ["a"], "instructions": "", "fetch_tokens": "true", "x": [1]}

    assert parse(body).inputs == ("a",)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({"instructions": ""}, "'texts' must be a list of strings"),
        ({"texts": "a", "instructions": ""}, "'texts' must be a list of strings"),
        ({"texts": None, "instructions": ""}, "'texts' must be a list of strings"),
        ({"texts": ["a", 1], "instructions": ""}, "'texts' must be a list of strings"),
        ({"texts": [["a"]], "instructions": ""}, "'texts' must be a list of strings"),
        ({"texts": ["a"]}, "either 'instructions' or both"),
        ({"texts": ["a"], "task": "nl_to_code"}, "either 'instructions' or both"),
        ({"texts": ["a"], "target": "query"}, "either 'instructions' or both"),
        ({"texts": ["a"], "instructions": 1}, "'instructions' must be a string"),
        ({"texts": ["a"], "task": 1, "target": ""}, "'task' must be a string"),
        ({"texts": ["a"], "task": "", "target": True}, "'target' must be a string"),
        ({"texts": [], "instructions": "", "dimensions": 0}, "must be positive"),
        ({"texts": [], "instructions": "", "dimensions": "1"}, "must be an integer"),
        ([], "must be a JSON object"),
    ],
    ids=repr,
)
def test_a_bad_body_is_a_400_that_says_why(body, wanted: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse(body)

    assert caught.value.status_code == 400
    assert wanted in str(caught.value.detail)


@pytest.mark.parametrize("headers", [{}, {MODEL_HEADER: ""}, {MODEL_HEADER: "  "}])
def test_the_model_must_be_named_in_the_header(headers) -> None:
    wire = wire_request(CHROMA, {"texts": [], "instructions": ""}, headers=headers)

    with pytest.raises(ModelRequiredError, match=MODEL_HEADER) as caught:
        CHROMA.parse(wire)

    assert caught.value.status_code == 400


def test_the_answer_is_vectors_and_a_count() -> None:
    reply = CHROMA.render(a_result(), parse({"texts": ["a"], "instructions": ""}))

    assert as_json(reply) == golden("chroma", "embed")
    assert reply.headers == {}


@pytest.mark.parametrize("code", list(ErrorCode), ids=str)
def test_errors_are_a_string_under_error(code: ErrorCode) -> None:
    reply = CHROMA.render_error(a_failure(code))

    assert {"status": reply.status, "body": as_json(reply)} == golden(
        "chroma", "errors"
    )[code]


(SPARSE,) = [route for route in CHROMA.routes if route.path == "embed_sparse"]


def parse_sparse(**body: object):
    body = {"texts": ["hello"], "task": "", "target": "", **body}
    return CHROMA.parse(wire_request(CHROMA, body, route=SPARSE))


@pytest.mark.parametrize(
    ("body", "labels"),
    [
        ({}, False),
        ({"fetch_labels": True}, True),
        ({"fetch_labels": False}, False),
        ({"fetch_labels": None}, False),
        ({"fetch_tokens": "true"}, True),
        ({"fetch_tokens": "True"}, True),
        ({"fetch_tokens": "false"}, False),
        ({"fetch_tokens": True}, True),
        ({"fetch_tokens": None}, False),
        ({"fetch_labels": False, "fetch_tokens": "true"}, False),
        ({"fetch_labels": None, "fetch_tokens": "true"}, True),
    ],
    ids=repr,
)
def test_labels_are_asked_for_in_two_ways(body, labels) -> None:
    request = parse_sparse(**body)

    assert request.output is Output.SPARSE
    assert request.labels is labels


@pytest.mark.parametrize(
    "body",
    [{"fetch_labels": "true"}, {"fetch_labels": 1}]
    + [{"fetch_tokens": wrong} for wrong in ("yes", "", 1, [], {})],
    ids=repr,
)
def test_labels_asked_for_in_any_other_way_are_refused(body) -> None:
    with pytest.raises(ApiError) as caught:
        parse_sparse(**body)

    assert caught.value.status_code == 400


def test_dense_route_knows_no_labels() -> None:
    assert not parse({"texts": ["a"], "instructions": "", "fetch_labels": 7}).labels


def test_sparse_answer_has_indices_values_and_labels_if_asked() -> None:
    request = parse_sparse(fetch_labels=True)
    plain = a_sparse_result()
    labelled = replace(
        plain,
        sparse=(
            replace(plain.sparse[0], labels=("##ing", "fox")),
            replace(plain.sparse[1], labels=()),
        ),
    )

    assert as_json(CHROMA.render(labelled, request)) == golden("chroma", "sparse")
    without = as_json(CHROMA.render(plain, parse_sparse()))
    assert [set(one) for one in without["embeddings"]] == [{"indices", "values"}] * 2


def test_no_texts_give_no_sparse_vectors() -> None:
    result = a_sparse_result()
    result = replace(result, sparse=(), tokens=(), truncated=())

    reply = CHROMA.render(result, parse_sparse(texts=[]))

    assert as_json(reply) == {"embeddings": [], "num_tokens": 0}
