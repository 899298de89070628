"""TEI's wire, as chromadb's and Hugging Face's clients speak it."""

from dataclasses import replace

import pytest

from embeddings.engine.spec import Output, Role, Truncate
from embeddings.errors import ApiError, ErrorCode
from tests.samples import (
    a_failure,
    a_result,
    a_sparse_result,
    as_json,
    dialect_named,
    golden,
    some_facts,
    wire_request,
)

TEI = dialect_named("tei")
CHROMAS_HEADERS = ["x-chroma-embedding-model", "x-chroma-token"]


def route(path: str, method: str = "POST"):
    return next(r for r in TEI.routes if (r.method, r.path) == (method, path))


def parse(path: str = "tei/{model}/embed", **body: object):
    return TEI.parse(wire_request(TEI, body, route=route(path)))


def refused(**body: object) -> ApiError:
    with pytest.raises(ApiError) as caught:
        parse(**body)
    assert caught.value.status_code == 400
    return caught.value


@pytest.mark.parametrize(
    ("value", "inputs"),
    [
        ("hello", ("hello",)),
        ([" ", "b", " "], (" ", "b", " ")),
        ([101, 102], ((101, 102),)),
        ([[101, 102], [7]], ((101, 102), (7,))),
        (["a", [101]], ("a", (101,))),
    ],
    ids=repr,
)
def test_texts_and_token_ids(value, inputs) -> None:
    assert parse(inputs=value).inputs == inputs


@pytest.mark.parametrize("value", ["", [], [""], ["a", ""], [[]], [[1], []]], ids=repr)
def test_nothing_to_embed_is_an_error_of_its_own(value) -> None:
    error = refused(inputs=value)

    failure = a_failure(ErrorCode.INVALID, message=str(error.detail))
    reply = TEI.render_error(failure)
    assert reply.status == 400
    assert as_json(reply) == {
        "error": "`inputs` cannot be empty",
        "error_type": "Empty",
    }


@pytest.mark.parametrize(
    "value",
    [None, 5, True, {"a": 1}, [None], ["a", 1], [1, True], [1.0], [[["a"]]], [["a"]]],
    ids=repr,
)
def test_other_inputs_are_refused(value) -> None:
    assert refused(inputs=value).param == "inputs"


@pytest.mark.parametrize(
    ("fields", "truncate", "wire_truncate"),
    [
        ({}, None, Truncate.END),
        ({"truncate": None}, None, Truncate.END),
        ({"truncate": True}, Truncate.END, Truncate.END),
        ({"truncate": False}, Truncate.ERROR, Truncate.END),
        ({"truncation_direction": "Left"}, None, Truncate.START),
        (
            {"truncate": True, "truncation_direction": "left"},
            Truncate.START,
            Truncate.START,
        ),
        (
            {"truncate": True, "truncation_direction": "Right"},
            Truncate.END,
            Truncate.END,
        ),
    ],
    ids=str,
)
def test_texts_are_cut_unless_refused(fields, truncate, wire_truncate) -> None:
    request = parse(inputs="a", **fields)

    assert (request.truncate, request.wire_truncate) == (truncate, wire_truncate)


def test_every_field_reaches_the_request() -> None:
    request = parse(inputs="a", normalize=False, prompt_name="query", dimensions=8)

    assert (request.model, request.role) == ("all-minilm", Role.NONE)
    assert (request.normalize, request.prompt_name) == (False, "query")
    assert request.dimensions == 8
    assert request.output is Output.DENSE


def test_vectors_are_of_unit_length_unless_asked_otherwise() -> None:
    assert parse(inputs="a").normalize is True
    assert parse(inputs="a", normalize=None).normalize is True


@pytest.mark.parametrize(
    "field",
    [
        {"truncate": "yes"},
        {"truncate": 1},
        {"truncation_direction": "up"},
        {"truncation_direction": 1},
        {"normalize": "true"},
        {"prompt_name": 5},
        {"dimensions": 0},
        {"dimensions": -1},
        {"dimensions": 1.5},
        {"dimensions": True},
    ],
    ids=str,
)
def test_odd_fields_are_refused(field) -> None:
    assert refused(inputs="a", **field).param == next(iter(field))


def test_sparse_vectors_have_no_length_or_size() -> None:
    body = {"inputs": "a", "normalize": 5, "dimensions": "x", "truncate": True}

    request = parse("tei/{model}/embed_sparse", **body)

    assert (request.normalize, request.dimensions) == (None, None)
    assert (request.output, request.truncate) == (Output.SPARSE, Truncate.END)


@pytest.mark.parametrize("path", ["embed", "embed_sparse", ""])
def test_without_a_path_it_is_the_default_model(path: str) -> None:
    assert parse(path, inputs="a").model is None


@pytest.mark.parametrize("path", ["embed", "embed_sparse", ""])
@pytest.mark.parametrize(
    ("body", "is_teis"),
    [
        (b'{"inputs": 5}', True),
        (b'{"texts": []}', False),
        (b'{"texts": [], "inputs": []}', False),
    ],
)
@pytest.mark.parametrize("header", ["", *CHROMAS_HEADERS])
def test_the_body_tells_it_from_chromas(path, body, is_teis, header) -> None:
    wire = wire_request(TEI, body, route=route(path), headers={header: "x"})

    assert TEI.claims(wire) is is_teis


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"inputs"', b"{}"])
@pytest.mark.parametrize("header", CHROMAS_HEADERS)
def test_where_the_body_tells_nothing_the_headers_do(body: bytes, header: str) -> None:
    wire = wire_request(TEI, body, route=route("embed"), headers={})

    assert TEI.claims(wire)
    assert not TEI.claims(replace(wire, headers={header: ""}))


@pytest.mark.parametrize("path", ["tei/{model}/embed", "tei/{model}"])
def test_its_own_paths_are_its_own(path: str) -> None:
    wire = wire_request(
        TEI, b'{"texts": []}', route=route(path), headers={CHROMAS_HEADERS[0]: "x"}
    )

    assert TEI.claims(wire)


def test_the_answer_is_nothing_but_vectors() -> None:
    reply = TEI.render(a_result(), parse(inputs=["a", "b"]))

    assert as_json(reply) == golden("tei", "embed")
    assert reply.headers == {"x-compute-tokens": "11", "x-total-time": "19"}


def test_the_sparse_answer_is_pairs() -> None:
    request = parse("embed_sparse", inputs=["a", "b"])

    reply = TEI.render(a_sparse_result(), request)

    assert as_json(reply) == golden("tei", "sparse")


def test_info_is_that_of_a_server_with_this_model() -> None:
    reply = TEI.render_model(replace(some_facts(), max_texts=100))

    assert as_json(reply) == golden("tei", "info")


def test_health_is_an_empty_answer() -> None:
    reply = TEI.render_health()

    assert (reply.status, reply.body) == (200, b"")


@pytest.mark.parametrize("code", list(ErrorCode), ids=str)
def test_errors_have_a_text_and_a_type(code: ErrorCode) -> None:
    reply = TEI.render_error(a_failure(code))

    assert {"status": reply.status, "body": as_json(reply)} == golden("tei", "errors")[
        code
    ]
