"""What holds for every wire, whichever there are."""

import re
from collections import Counter

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.dialects import all_dialects
from embeddings.dialects.base import Dialect, Operation, Route
from embeddings.errors import ApiError, ErrorCode
from embeddings.types import EmbeddingRequest, Failure
from tests.embeddings.dialects.telegraph import Telegraph
from tests.samples import (
    STATUS,
    a_failure,
    a_result,
    a_sparse_result,
    as_json,
    loaded_facts,
    some_facts,
    wire_request,
)

#: And one that a newcomer might write; tests/clients/test_new_wire.py serves it.
DIALECTS = (*all_dialects(), Telegraph())
EMBEDDING = {Operation.EMBED, Operation.EMBED_SPARSE, Operation.LOAD}
READING = EMBEDDING | {Operation.COUNT_TOKENS}
ROUTES = [
    pytest.param(dialect, route, id=f"{dialect.name} {route.method} /{route.path}")
    for dialect in DIALECTS
    for route in dialect.routes
]
READ_ROUTES = [p for p in ROUTES if p.values[1].operation in READING]
EMBED_ROUTES = [p for p in ROUTES if p.values[1].operation in EMBEDDING]
SPARSE_ROUTES = [p for p in ROUTES if p.values[1].operation is Operation.EMBED_SPARSE]

every_dialect = pytest.mark.parametrize(
    "dialect", DIALECTS, ids=lambda dialect: dialect.name
)
every_code = pytest.mark.parametrize("code", list(ErrorCode), ids=str)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)


def test_names_titles_and_prefixes_are_unique() -> None:
    names = Counter(dialect.name for dialect in DIALECTS)
    titles = Counter(dialect.title for dialect in DIALECTS)
    prefixes = Counter(p for dialect in DIALECTS for p in dialect.prefixes)

    assert max(*names.values(), *titles.values(), *prefixes.values()) == 1
    assert "" in prefixes


def test_the_wires_are_found() -> None:
    older = {"chroma", "cohere", "google", "nugen", "ollama", "openai"}

    assert older | {"azure_openai", "tei"} <= {one.name for one in all_dialects()}


@every_dialect
def test_names_fit_the_ledger_and_paths_are_relative(dialect: Dialect) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]{0,31}", dialect.name)
    for route in dialect.routes:
        assert not route.path.startswith("/")
        assert not route.path.endswith("/")
        assert route.method in {"GET", "POST", "DELETE"}
        assert route.summary


@pytest.mark.parametrize(("dialect", "route"), ROUTES)
def test_only_signs_of_life_are_public(dialect: Dialect, route: Route) -> None:
    assert not route.is_public or route.operation is Operation.VERSION


@pytest.mark.parametrize(("dialect", "route"), READ_ROUTES)
def test_every_schema_is_valid_and_fits_its_example(
    dialect: Dialect, route: Route
) -> None:
    assert route.schema is not None
    assert route.example is not None

    jsonschema.Draft202012Validator.check_schema(route.schema)
    jsonschema.validate(route.example, route.schema)


@pytest.mark.parametrize(("dialect", "route"), READ_ROUTES)
def test_every_example_parses(dialect: Dialect, route: Route) -> None:
    wire = wire_request(dialect, route.example, route=route)

    request = dialect.parse(wire)

    assert dialect.claims(wire)
    assert isinstance(request, EmbeddingRequest)
    is_load = route.operation is Operation.LOAD
    assert request.loads_only == is_load
    assert request.inputs == (() if is_load else ("hello world",))
    assert request.output == (
        "sparse" if route.operation is Operation.EMBED_SPARSE else "dense"
    )


@pytest.mark.parametrize(
    ("dialect", "route"),
    [p for p in ROUTES if p.values[1].operation is Operation.EMBED],
)
def test_every_answer_holds_all_vectors_in_order(
    dialect: Dialect, route: Route
) -> None:
    request = dialect.parse(wire_request(dialect, route.example, route=route))
    result = a_result()
    is_single = request.variant in {"single", "embeddings"}
    if is_single:
        result = a_result(vectors=result.vectors[:1], tokens=(8,), truncated=(False,))

    reply = dialect.render(result, request)

    assert reply.status == 200
    assert reply.content_type.startswith("application/json")
    text = str(as_json(reply))
    found = re.findall(r"\[0.5, -0.25, 0.125]|\[1.0, 0.0, -1.0]", text)
    assert found == [str(row.tolist()) for row in result.vectors]
    # Ollama's older route answers with the vector and nothing else.
    told = text + str(reply.headers)
    assert request.variant == "embeddings" or str(result.total_tokens) in told


@pytest.mark.parametrize(
    ("dialect", "route"),
    [p for p in ROUTES if p.values[1].operation is Operation.COUNT_TOKENS],
)
def test_every_count_is_told(dialect: Dialect, route: Route) -> None:
    reply = dialect.render_count(4711)

    assert reply.status == 200
    assert "4711" in str(as_json(reply))


@pytest.mark.parametrize(("dialect", "route"), SPARSE_ROUTES)
def test_every_sparse_answer_holds_all_weights(dialect: Dialect, route: Route) -> None:
    request = dialect.parse(wire_request(dialect, route.example, route=route))
    result = a_sparse_result()

    reply = dialect.render(result, request)

    text = str(as_json(reply))
    # Two lists, or a list of pairs; in the order of the indices both ways.
    assert re.search(r"\b7\b.*\b30521\b", text)
    assert re.search(r"\b0\.5\b.*\b2\.25\b", text)
    assert str(result.total_tokens) in text + str(reply.headers)


@pytest.mark.parametrize(
    ("dialect", "route"),
    [p for p in ROUTES if p.values[1].operation is Operation.LIST_MODELS],
)
def test_model_lists_name_the_models(dialect: Dialect, route: Route) -> None:
    reply = dialect.render_models([some_facts("a"), some_facts("org/b")])

    assert reply.status == 200
    assert "org/b" in str(as_json(reply))


@pytest.mark.parametrize(
    ("dialect", "route"),
    [p for p in ROUTES if p.values[1].operation is Operation.LOADED_MODELS],
)
def test_lists_of_what_is_loaded_name_the_models(
    dialect: Dialect, route: Route
) -> None:
    reply = dialect.render_loaded([loaded_facts("a"), loaded_facts("org/b")])

    assert reply.status == 200
    assert "org/b" in str(as_json(reply))


@every_code
@every_dialect
def test_every_error_is_json_and_never_a_success(
    dialect: Dialect, code: ErrorCode
) -> None:
    reply = dialect.render_error(a_failure(code))

    assert 400 <= reply.status < 600
    assert reply.content_type.startswith("application/json")
    body = as_json(reply)
    assert isinstance(body, dict)
    assert not isinstance(body.get("detail"), str)


@every_code
@every_dialect
def test_no_error_turns_its_kind(dialect: Dialect, code: ErrorCode) -> None:
    status = dialect.render_error(a_failure(code)).status

    if code is ErrorCode.QUOTA_EXCEEDED:
        # Where SDKs retry any 429, a spent quota is a status that they do not.
        assert status in {402, 429}
    elif STATUS[code] in {401, 403, 405, 429, 500, 503}:
        assert status == STATUS[code]
    if STATUS[code] < 500:
        assert status < 500


@every_dialect
def test_an_odd_message_cannot_break_an_error(dialect: Dialect) -> None:
    for code in ErrorCode:
        failure = a_failure(code, message='"\0\n<b>{}%s', model="\0'\"", param="x")

        assert as_json(dialect.render_error(failure))


@every_dialect
def test_unsupported_is_501_on_chromas_wire_alone(dialect: Dialect) -> None:
    status = dialect.render_error(a_failure(ErrorCode.UNSUPPORTED)).status

    assert (status == 501) == (dialect.name == "chroma")


def as_failure(error: ApiError) -> Failure:
    code = ErrorCode(error.detail.code)  # type: ignore[union-attr]
    return a_failure(code, message=str(error.detail), model=error.model)


def _objects(route: Route) -> st.SearchStrategy[object]:
    """Objects with the route's own fields, and anything at all in them."""
    fields = route.schema["properties"]  # type: ignore[index]
    return st.fixed_dictionaries({}, optional=dict.fromkeys(fields, JSON))


@pytest.mark.parametrize(("dialect", "route"), READ_ROUTES)
def test_any_json_is_a_request_or_a_refusal(dialect: Dialect, route: Route) -> None:
    @settings(max_examples=150, deadline=None)
    @given(JSON | _objects(route))
    def check(body: object) -> None:
        wire = wire_request(dialect, body, route=route)
        try:
            request = dialect.parse(wire)
        except ApiError as error:
            reply = dialect.render_error(as_failure(error))
        else:
            assert all(isinstance(item, str | tuple) for item in request.inputs)
            return
        assert 400 <= reply.status < 500
        assert as_json(reply)

    check()


@pytest.mark.parametrize(("dialect", "route"), READ_ROUTES)
def test_any_bytes_are_a_request_or_a_refusal(dialect: Dialect, route: Route) -> None:
    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=60))
    def check(body: bytes) -> None:
        with pytest.raises(ApiError):
            dialect.parse(wire_request(dialect, body, route=route))

    check()
