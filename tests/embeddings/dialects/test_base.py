"""The strict readers, and bodies that are not what they should be."""

import pytest

from embeddings.dialects import base, dialect_below
from embeddings.errors import InvalidRequestError, MalformedBodyError
from tests.samples import dialect_named, wire_request


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  \r\n",
        b"hello",
        b'{"a": 1',
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e400}',
        b'{"a": "\\ud800"}',
        b'{"a": "\xff"}',
        b'{"a": 1} {"b": 2}',
        b"\xef\xbb\xbf{}",
        b'{"a": 01}',
        b"9" * 5000,
        b"[" * 100_000,
        b'{"a":' * 2000 + b"1" + b"}" * 2000,
        "{}".encode("utf-16"),
    ],
    ids=lambda body: repr(body[:24]),
)
def test_what_is_not_json_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBodyError):
        _ = wire_request(dialect_named("openai"), body).json


@pytest.mark.parametrize("body", [[], [1], "text", 1, 1.5, True, None], ids=repr)
def test_json_that_is_no_object_is_malformed(body) -> None:
    with pytest.raises(MalformedBodyError, match="object"):
        wire_request(dialect_named("openai"), body).object()


def test_a_malformed_body_is_not_repeated() -> None:
    with pytest.raises(MalformedBodyError) as caught:
        _ = wire_request(dialect_named("openai"), b'{"secret text": oops}').json

    assert "secret" not in str(caught.value.detail)


@pytest.mark.parametrize(
    ("read", "good", "bad"),
    [
        (base.optional_text, ["", " a ", "\0"], [1, True, [], {}]),
        (base.optional_integer, [0, -1, 2**63], [True, False, 1.0, "5", []]),
        (base.optional_boolean, [True, False], [0, 1, "true", []]),
    ],
    ids=["text", "integer", "boolean"],
)
def test_readers_take_their_own_type_only(read, good, bad) -> None:
    assert [read({"x": value}, "x") for value in [*good, None]] == [*good, None]
    assert read({}, "x") is None
    for value in bad:
        with pytest.raises(InvalidRequestError) as caught:
            read({"x": value}, "x")
        assert caught.value.param == "x"


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ([], ()),
        (["a", "", " b "], ("a", "", " b ")),
        ("a", None),
        (["a", 1], None),
        (["a", None], None),
        ({"a": 1}, None),
        (None, None),
    ],
    ids=repr,
)
def test_strings_are_taken_as_they_are_or_not_at_all(value, texts) -> None:
    assert base.strings(value) == texts


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "chroma"),
        ("/embed", "chroma"),
        ("/nope", "chroma"),
        ("/API/embed", "chroma"),
        ("/apix", "chroma"),
        ("/api", "ollama"),
        ("/api/nope", "ollama"),
        ("/api/v3", "nugen"),
        ("/api/v3/nope", "nugen"),
        ("/api/v33", "ollama"),
        ("/inference/nope", "nugen"),
        ("/v1", "openai"),
        ("/v1/", "openai"),
        ("/v1/nope", "openai"),
        ("/v1/embeddings/nope", "openai"),
        ("/v1/embed/nope", "cohere"),
        ("/v2", "cohere"),
        ("/v2/nope", "cohere"),
        ("/v1beta", "google"),
        ("/v1beta/nope", "google"),
        ("/v1betax", "chroma"),
    ],
)
def test_an_unknown_path_belongs_to_the_longest_prefix(path: str, name: str) -> None:
    assert dialect_below(path).name == name


@pytest.mark.parametrize(
    ("path", "header", "name"),
    [
        ("/v1/nope", "x-goog-api-key", "google"),
        ("/v1/nope", "x-goog-api-client", "google"),
        ("/v1/nope", "authorization", "openai"),
        ("/api/nope", "x-goog-api-key", "ollama"),
        ("/embed", "x-goog-api-key", "chroma"),
        ("/v1beta/nope", "x-goog-api-key", "google"),
    ],
)
def test_a_mark_tells_whose_a_shared_prefix_is(path, header, name) -> None:
    assert dialect_below(path, {header: ""}).name == name
