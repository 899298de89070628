"""Whatever is sent, the answer is the wire's own, and the next request works."""

import json
from contextlib import suppress
from functools import cache
from http.client import HTTPConnection
from urllib.parse import quote

import numpy as np
import pytest

import tests.wires
from tests.clients import reference

pytestmark = pytest.mark.clients

TEXT = "a good request"
GIVEAWAYS = ("Traceback", "<html", 'File "', "site-packages", "psycopg", "emb_live_")
WIRES = {
    "chroma": ("/embed", "texts", {"instructions": ""}),
    "ollama": ("/api/embed", "input", {"model": "all-minilm"}),
    "nugen": ("/api/v3/inference/embeddings", "input", {"model": "all-minilm"}),
    "openai": ("/v1/embeddings", "input", {"model": "all-minilm"}),
    "cohere": ("/v2/embed", "texts", {"model": "all-minilm"}),
    "google": ("/v1beta/models/all-minilm:batchEmbedContents", "requests", {}),
    "azure_openai": ("/openai/deployments/all-minilm/embeddings", "input", {}),
    "tei": ("/tei/all-minilm/embed", "inputs", {}),
}


@cache
def _bodies(wire: str) -> dict[str, bytes]:
    _, field, rest = WIRES[wire]

    def body(texts: object, **more: object) -> bytes:
        return json.dumps({field: texts, **rest, **more}).encode()

    deep = b"[" * 100_000 + b"]" * 100_000
    return {
        "empty": b"",
        "blank": b"  \n ",
        "not-json": b"hello",
        "cut-json": b'{"a": [1, 2',
        "array": b"[]",
        "string": b'"x"',
        "number": b"12",
        "null": b"null",
        "deep": deep,
        "deep-inside": b'{"' + field.encode() + b'": ' + deep + b"}",
        "nan": b'{"dimensions": NaN}',
        "1e400": body(["x"])[:-1] + b', "dimensions": 1e400}',
        "huge-int": body(["x"])[:-1] + b', "x": ' + b"9" * 5000 + b"}",
        "invalid-utf8": body(["x"]).replace(b"x", b"\xff\xfe"),
        "utf16": body(["x"]).decode().encode("utf-16"),
        "lone-surrogate": body(["x"]).replace(b"x", b"\\ud800"),
        "texts-missing": json.dumps(rest).encode(),
        "texts-number": body(5),
        "texts-bool": body(True),
        "texts-object": body({"a": 1}),
        "texts-mixed": body(["x", 5]),
        "texts-with-null": body(["x", None]),
        "too-many": body(["x"] * 100_000),
        "ten-megabytes": body(["x" * 10_000_000]),
        "many-megabytes": b"x" * 30_000_000,
    }


CASES = [
    pytest.param(wire, name, id=f"{wire}-{name}")
    for wire in WIRES
    for name in _bodies(wire)
    # Ollama loads the model when there is nothing to embed, and takes null for {}.
    if (wire, name) not in {("ollama", "texts-missing"), ("ollama", "null")}
]


class Client:
    """One connection kept alive, reopened only when the server said it closes."""

    def __init__(self, server) -> None:
        self.connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
        self.headers = {
            "Authorization": f"Bearer {server.key}",
            "x-chroma-embedding-model": "all-minilm",
        }

    def post(self, path: str, body: bytes, **headers: str) -> tuple[int, dict, bytes]:
        # The server may close early; its reply must be readable all the same.
        with suppress(BrokenPipeError, ConnectionResetError):
            self.connection.request("POST", path, body, self.headers | headers)
        answer = self.connection.getresponse()
        return answer.status, dict(answer.headers), answer.read()


@pytest.fixture
def client(server):
    one = Client(server)
    yield one
    one.connection.close()


def _message(wire: str, body: bytes) -> str:
    """The error's text from where this wire's clients look for it."""
    (one,) = (found for found in tests.wires.WIRES if found.name == wire)
    return one.error(json.loads(body))


def _assert_good(client) -> None:
    body = json.dumps({"model": "all-minilm", "input": TEXT}).encode()
    status, _, answer = client.post("/api/embed", body)

    assert status == 200
    expected = reference.vectors([TEXT])
    found = np.asarray(json.loads(answer)["embeddings"])
    assert np.abs(found - expected).max() <= 2e-5


@pytest.mark.parametrize(("wire", "name"), CASES)
def test_a_bad_body_is_refused_cleanly(client, server, wire, name) -> None:
    path, _, _ = WIRES[wire]
    status, headers, body = client.post(path, _bodies(wire)[name])

    assert status in {400, 413, 422}
    assert headers["Content-Type"].startswith("application/json")
    message = _message(wire, body)
    assert isinstance(message, str)
    assert message
    assert not [text for text in GIVEAWAYS if text in message]
    assert server.ledger(headers["x-request-id"]) == []
    _assert_good(client)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    "name",
    ["nope", "a\x00b", "../../etc/passwd", "' OR 1=1 --", "x" * 5000, "é", "http://x/"],
    ids=["unknown", "nul", "path", "sql", "long", "accent", "url"],
)
def test_a_foreign_model_name_is_not_found(client, wire, name) -> None:
    path, field, rest = WIRES[wire]
    headers = {}
    if wire == "chroma":
        if not name.isprintable() or not name.isascii() or len(name) > 1000:
            pytest.skip("a header cannot carry this name")
        headers["x-chroma-embedding-model"] = name
    if "all-minilm" in path and len(name) > 1000:
        pytest.skip("a request line cannot carry this name")
    path = path.replace("all-minilm", quote(name, safe=""))
    body = json.dumps({**rest, field: ["x"], "model": name}).encode()
    status, _, answer = client.post(path, body, **headers)

    assert status == (400 if wire == "chroma" else status)
    assert status in {400, 404}
    assert _message(wire, answer)
    _assert_good(client)


@pytest.mark.parametrize("wire", WIRES)
def test_a_refused_big_body_leaves_the_connection_usable(client, wire) -> None:
    path, _, _ = WIRES[wire]
    status, _, answer = client.post(path, b"x" * 3_000_000, Authorization="Bearer junk")

    assert status == 401
    assert "valid" in _message(wire, answer) or wire == "openai"
    _assert_good(client)


@pytest.mark.parametrize("text", ["[CLS] [SEP] [PAD]", "\x00\x01\x7f", "a" * 50_000])
def test_odd_texts_are_embedded(client, text) -> None:
    body = json.dumps({"model": "all-minilm", "input": text}).encode()
    status, _, answer = client.post("/api/embed", body)

    assert status == 200
    found = np.asarray(json.loads(answer)["embeddings"])
    assert np.abs(found - reference.vectors([text])).max() <= 2e-5
    _assert_good(client)
