"""Google's wire, as google-genai, google-generativeai and chromadb speak it."""

import pytest

from embeddings.engine.spec import Output, Role, Truncate
from embeddings.errors import ApiError, ErrorCode, MalformedBodyError
from tests.samples import (
    a_failure,
    a_result,
    as_json,
    dialect_named,
    golden,
    some_facts,
    wire_request,
)

GOOGLE = dialect_named("google")
HELLO = {"parts": [{"text": "hello"}], "role": "user"}


def route(path: str, method: str = "POST"):
    return next(r for r in GOOGLE.routes if (r.method, r.path) == (method, path))


def parse(body: object, action: str = "batchEmbedContents", version: str = "v1beta"):
    wanted = route(f"{version}/models/{{model}}:{action}")
    return GOOGLE.parse(wire_request(GOOGLE, body, route=wanted))


@pytest.mark.parametrize("version", ["v1", "v1beta"])
def test_a_batch_as_google_genai_sends_it(version: str) -> None:
    fields = {"taskType": "RETRIEVAL_QUERY", "title": "T", "outputDimensionality": 4}
    one = {"content": HELLO, **fields, "model": "models/another"}

    request = parse({"requests": [one, one]}, version=version)

    assert request.model == "all-minilm"
    assert request.inputs == ("hello", "hello")
    assert (request.role, request.dimensions) == (Role.QUERY, 4)
    assert (request.truncate, request.wire_truncate) == (None, Truncate.ERROR)
    assert request.variant == ""


def test_one_content_as_google_generativeai_sends_it() -> None:
    content = {"parts": [{"text": "hello"}]}
    body = {"content": content, "taskType": 2, "outputDimensionality": 4}

    request = parse(body, "embedContent")

    assert request.inputs == ("hello",)
    assert (request.role, request.dimensions) == (Role.DOCUMENT, 4)
    assert request.variant == "single"


def test_contents_to_count_as_google_genai_sends_them() -> None:
    request = parse({"contents": [HELLO, HELLO]}, "countTokens")

    assert (request.model, request.inputs) == ("all-minilm", ("hello", "hello"))


@pytest.mark.parametrize(
    "action", ["embedContent", "batchEmbedContents", "countTokens"]
)
@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"'])
def test_a_body_is_an_object(action: str, body: bytes) -> None:
    with pytest.raises(MalformedBodyError):
        parse(body, action)


def test_the_answers() -> None:
    many = parse({"requests": [{"content": HELLO}]})
    one = parse({"content": HELLO}, "embedContent")
    first = a_result(vectors=a_result().vectors[:1], tokens=(8,), truncated=(False,))

    assert as_json(GOOGLE.render(a_result(), many)) == golden("google", "batch")
    assert as_json(GOOGLE.render(first, one)) == golden("google", "single")
    assert as_json(GOOGLE.render_count(3)) == {"totalTokens": 3}


def test_models_are_listed_and_shown() -> None:
    facts = some_facts()

    listed = golden("google", "models")
    assert as_json(GOOGLE.render_models([facts])) == listed
    assert as_json(GOOGLE.render_models([])) == {"models": []}
    assert as_json(GOOGLE.render_model(facts)) == listed["models"][0]


def test_a_model_of_weights_alone_embeds_nothing_here() -> None:
    facts = some_facts()
    sparse = type(facts)(
        name="splade",
        created_at=facts.created_at,
        owner=facts.owner,
        dimensions=30522,
        max_tokens=512,
        outputs=frozenset({Output.SPARSE}),
    )

    body = as_json(GOOGLE.render_model(sparse))

    assert body["supportedGenerationMethods"] == []  # type: ignore[index, call-overload]


@pytest.mark.parametrize("path", ["v1/models", "v1/models/{model}"])
@pytest.mark.parametrize(
    ("headers", "query", "is_claimed"),
    [
        ({}, {}, False),
        ({"authorization": "Bearer x"}, {"limit": "5"}, False),
        ({"api-key": "x"}, {}, False),
        ({"x-goog-api-key": "x"}, {}, True),
        ({"x-goog-api-client": "genai-py"}, {}, True),
        ({}, {"key": "x"}, True),
    ],
    ids=repr,
)
def test_what_is_shared_with_openai_is_told_apart(
    path: str, headers, query, is_claimed: bool
) -> None:
    wire = wire_request(GOOGLE, route=route(path, "GET"), headers=headers, query=query)

    assert GOOGLE.claims(wire) is is_claimed


def test_its_own_paths_need_no_mark() -> None:
    own = [r for r in GOOGLE.routes if r.method == "POST" or "v1beta" in r.path]

    assert len(own) == 8
    assert all(GOOGLE.claims(wire_request(GOOGLE, route=one)) for one in own)


@pytest.mark.parametrize("code", list(ErrorCode), ids=str)
def test_errors_are_googles(code: ErrorCode) -> None:
    reply = GOOGLE.render_error(a_failure(code))

    assert {"status": reply.status, "body": as_json(reply)} == golden(
        "google", "errors"
    )[code]


def test_an_error_says_when_to_come_again() -> None:
    failure = a_failure(ErrorCode.RATE_LIMITED, retry_after_s=2.1)

    body = as_json(GOOGLE.render_error(failure))

    assert body["error"]["details"] == [  # type: ignore[index, call-overload]
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3s"}
    ]


def test_a_mixed_batch_is_refused() -> None:
    one, other = ({"content": HELLO, "taskType": kind} for kind in (1, 2))

    with pytest.raises(ApiError, match="must ask for the same") as caught:
        parse({"requests": [one, other]})

    assert caught.value.status_code == 400
