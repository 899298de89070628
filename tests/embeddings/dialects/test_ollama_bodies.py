"""What Ollama's handlers take and refuse, in their order and their words."""

import pytest

from embeddings.dialects.go_duration import FOREVER_S
from embeddings.engine.spec import Truncate
from embeddings.errors import ApiError, ErrorCode
from tests.samples import a_failure, as_json, dialect_named, golden, wire_request

OLLAMA = dialect_named("ollama")
ROUTES = {route.path.removeprefix("api/"): route for route in OLLAMA.routes}


def wire_to(path: str, body: object):
    return wire_request(OLLAMA, body, route=ROUTES[path])


def parse(body: object, path: str = "embed"):
    return OLLAMA.parse(wire_to(path, body))


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


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        ({"num_ctx": 2}, "input after truncation exceeds maximum context length"),
        ({"num_ctx": "x"}, 'option "num_ctx" must be of type integer'),
        ({"num_ctx": 5, "other": []}, ""),
    ],
    ids=repr,
)
@pytest.mark.parametrize("path", ["embed", "embeddings"])
def test_options_are_judged_once_the_model_is_known(path, options, refusal) -> None:
    body = {"model": "m", "input": "a", "prompt": "a", "options": options}

    assert parse(body, path).refusal == refusal


@pytest.mark.parametrize(
    ("prompt", "inputs"), [("hello", ("hello",)), ("", ()), (None, ())]
)
def test_the_older_route_takes_one_prompt_and_cuts_nothing(prompt, inputs) -> None:
    body = {"model": "m", "prompt": prompt, "input": "unread", "keep_alive": "1m"}

    request = parse({**body, "options": {"num_ctx": 16}}, "embeddings")

    assert request.inputs == inputs
    assert request.loads_only == (inputs == ())
    assert request.wire_truncate is Truncate.ERROR
    assert (request.keep_alive_s, request.max_tokens) == (60, 16)


@pytest.mark.parametrize(
    ("path", "field", "nothing", "work"),
    [
        ("generate", "prompt", "", "hello"),
        ("chat", "messages", [], [{"role": "user", "content": "hello"}]),
    ],
)
def test_loading_generates_nothing(path, field, nothing, work) -> None:
    for value in (nothing, None):
        request = parse({"model": "m", field: value, "stream": False}, path)

        assert (request.loads_only, request.refusal) == (True, "")
        assert request.keep_alive_s is None
    refused = parse({"model": "Org/M", field: work, "keep_alive": 0}, path)
    assert refused.refusal == f'"Org/M" does not support {path}'
    assert parse({"model": "m"}, path) == parse({"model": "m", field: None}, path)


#: As ollama's own command sends them: Go writes most fields that are empty.
FROM_GO = golden("ollama", "from_go")


@pytest.mark.parametrize("path", [path for path in FROM_GO if path != "show"])
def test_bodies_of_go_clients_are_understood(path: str) -> None:
    request = parse(FROM_GO[path], path)

    assert request.model == "all-minilm"
    assert request.refusal == ""
    is_load = path in {"generate", "chat"}
    assert (request.loads_only, request.keep_alive_s) == (
        is_load,
        0 if is_load else None,
    )


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("embeddings", {"prompt": 5}, "EmbeddingRequest.prompt of type string"),
        ("embeddings", [], "Go value of type api.EmbeddingRequest"),
        ("embeddings", {}, "model is required"),
        ("embeddings", {"model": "a b"}, "invalid model name"),
        ("generate", {"prompt": ["a"]}, "GenerateRequest.prompt of type string"),
        ("generate", {"keep_alive": "1d", "model": 5}, 'unknown unit "d"'),
        ("chat", {"messages": "a"}, r"ChatRequest.messages of type \[\]api.Message"),
        ("chat", {"model": "m", "options": 5}, "ChatRequest.options of type map"),
        ("chat", {"model": "a b"}, "invalid model name"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_the_other_routes_refuse_in_ollamas_words(path, body, message: str) -> None:
    with pytest.raises(ApiError, match=message) as caught:
        parse(body, path)

    assert caught.value.status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"model": "Org/M"},
        {"name": "Org/M"},
        {"model": "Org/M", "name": "x"},
        FROM_GO["show"] | {"model": "Org/M"},
    ],
    ids=["new", "old", "both", "go"],
)
def test_a_model_is_shown_by_either_field(body) -> None:
    assert OLLAMA.model_shown(wire_to("show", {**body, "verbose": True})) == "Org/M"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "missing request body"),
        ({}, "model is required"),
        ({"model": "", "name": ""}, "model is required"),
        ({"model": 5}, "ShowRequest.model of type string"),
        ({"model": "a b"}, "invalid model name"),
    ],
    ids=repr,
)
def test_showing_needs_a_name(body, message: str) -> None:
    with pytest.raises(ApiError, match=message) as caught:
        OLLAMA.model_shown(wire_to("show", body))

    assert caught.value.status_code == 400
