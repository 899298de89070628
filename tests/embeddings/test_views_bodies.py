"""What may come in a body, however it is framed, and what never breaks an answer."""

import io

import orjson
import pytest
from django.test import Client, override_settings

from accounts.models import UsageEvent
from embeddings.errors import ErrorCode
from tests.fakes import FakeEngine
from tests.wires import CHROMA, COHERE, NUGEN, OLLAMA, OPENAI, WIRES, Wire

every_wire = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)


def chunked(body: bytes) -> dict[str, object]:
    """What gunicorn makes of a body without a length."""
    return {"wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True}


@every_wire
@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; charset=utf-16",
        "application/json; charset=bz2_codec",
        "application/json; charset=no-such-thing",
        "\xff",
    ],
)
def test_the_body_is_json_whatever_its_content_type(
    wire: Wire, content_type: str, client: Client, house, engine: FakeEngine
) -> None:
    response = wire.post(
        client,
        ["grüße"],
        key=house.key,
        content_type=content_type,
    )

    assert response.status_code == 200
    assert engine.jobs[0].inputs == ("grüße",)


@every_wire
def test_a_chunked_body_is_read(
    wire: Wire, client: Client, house, engine: FakeEngine
) -> None:
    body = orjson.dumps(wire.body(["hello"], "all-minilm"))

    response = wire.post(client, key=house.key, raw=b"", **chunked(body))

    assert response.status_code == 200
    assert engine.jobs[0].inputs == ("hello",)


@every_wire
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"[" * 100_000,
        b'{"input": 1e400, "texts": 1e400, "model": "m"}',
        b'{"input": NaN, "texts": NaN}',
        b'{"input": "\\ud800", "texts": ["\\ud800"]}',
        b'{"input": "\xff", "texts": ["\xff"]}',
        b'{"model": true, "input": true, "texts": true}',
        b'{"model": "all-minilm", "input": [true], "texts": [true]}',
        b'{"model": "all-minilm", "input": {"a": 1}, "texts": {"a": 1}}',
        b"input=hello&model=all-minilm",
        b"%PDF-1.7 \x00\x01",
    ],
    ids=lambda raw: repr(raw[:30]),
)
def test_a_bad_body_is_a_4xx_in_the_wires_shape(
    wire: Wire, raw: bytes, client: Client, house, engine: FakeEngine
) -> None:
    response = wire.post(client, key=house.key, raw=raw)

    assert response.status_code in {400, 404, 422}
    wire.error_of(response, response.status_code)
    assert engine.jobs == []
    assert not UsageEvent.objects.exists()


@every_wire
def test_texts_are_never_changed_on_their_way(
    wire: Wire, client: Client, house, engine: FakeEngine
) -> None:
    texts = (" a\n", "\0", "\r\nSet-Cookie: x", "[SEP]", "😀", "\u202e", "a" * 100_000)

    response = wire.post(client, texts, key=house.key)

    assert response.status_code == 200
    assert engine.jobs[0].inputs == texts


@every_wire
@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "a\0b",
        "http://169.254.169.254/",
        "x" * 5000,
        "{0}",
        "\u017f",
    ],
    ids=repr,
)
def test_an_odd_model_name_is_only_not_found(
    wire: Wire, name: str, client: Client, house, engine: FakeEngine
) -> None:
    if wire is CHROMA:
        name = name.replace("\0", "\x01").encode().decode("latin-1")

    response = wire.post(client, key=house.key, model=name)

    assert response.status_code in {400, wire.status_of(ErrorCode.MODEL_NOT_FOUND)}
    wire.error_of(response, response.status_code)
    assert len(response.content) < 1000


@every_wire
def test_too_many_texts_are_refused_with_the_limit(
    wire: Wire, client: Client, house, engine: FakeEngine
) -> None:
    response = wire.post(client, ["a"] * 100_000, key=house.key)

    message = wire.error_of(response, wire.status_of(ErrorCode.TOO_MANY_TEXTS))
    assert "100000" in message
    assert "2048" in message
    assert not UsageEvent.objects.exists()


@every_wire
def test_the_limit_of_texts_itself_passes(
    wire: Wire, client: Client, house, engine: FakeEngine
) -> None:
    with override_settings(MAX_TEXTS=3):
        assert wire.post(client, ["a"] * 3, key=house.key).status_code == 200
        response = wire.post(client, ["a"] * 4, key=house.key)

    wire.error_of(response, wire.status_of(ErrorCode.TOO_MANY_TEXTS))


@every_wire
@pytest.mark.parametrize("is_chunked", [False, True])
def test_too_many_bytes_are_refused_with_the_limit(
    wire: Wire, is_chunked, client: Client, house, engine: FakeEngine
) -> None:
    raw = orjson.dumps(wire.body(["x" * 9_000_000], "all-minilm"))
    extra = chunked(raw) if is_chunked else {}

    response = wire.post(client, key=house.key, raw=b"" if is_chunked else raw, **extra)

    message = wire.error_of(response, wire.status_of(ErrorCode.TOO_LARGE))
    assert str(8 * 1024 * 1024) in message
    assert engine.jobs == []


@every_wire
def test_the_limit_of_bytes_itself_passes(
    wire: Wire, client: Client, house, engine: FakeEngine
) -> None:
    raw = orjson.dumps(wire.body(["hello"], "all-minilm"))

    with override_settings(MAX_BODY_BYTES=len(raw)):
        assert wire.post(client, key=house.key, raw=raw).status_code == 200
        response = wire.post(client, key=house.key, raw=raw + b" ")

    wire.error_of(response, wire.status_of(ErrorCode.TOO_LARGE))


@every_wire
@pytest.mark.parametrize("key", [None, "junk"])
def test_a_refused_callers_body_is_read_so_that_the_connection_lives(
    wire: Wire, key, client: Client, db: None
) -> None:
    stream = io.BytesIO(b"x" * 1_000_000)

    response = wire.post(
        client, key=key, raw=b"", CONTENT_LENGTH="1000000", **{"wsgi.input": stream}
    )

    wire.error_of(response, 401)
    assert stream.read() == b""


@every_wire
def test_a_body_cut_short_is_a_400_and_closes(
    wire: Wire, client: Client, house, engine: FakeEngine
) -> None:
    stream = io.BytesIO(b'{"model"')

    response = wire.post(
        client, key=house.key, raw=b"", CONTENT_LENGTH="500", **{"wsgi.input": stream}
    )

    wire.error_of(response, wire.status_of(ErrorCode.MALFORMED))
    assert response.wsgi_request.META["platform.close"] is True


@every_wire
def test_an_odd_query_changes_nothing(
    wire: Wire, client: Client, house, engine: FakeEngine
) -> None:
    path = f"{wire.path}?x=%ff%41&x=%00&&=&%ED%A0%80"

    assert wire.post(client, key=house.key, path=path).status_code == 200


@every_wire
def test_too_many_query_fields_are_a_400(
    wire: Wire, client: Client, house, engine: FakeEngine
) -> None:
    path = wire.path + "?" + "&".join("a=1" for _ in range(1500))

    response = wire.post(client, key=house.key, path=path)

    wire.error_of(response, wire.status_of(ErrorCode.INVALID))


@pytest.mark.parametrize(
    "ids", [[2**63], [-1], [2**31], [10**18]], ids=["2^63", "-1", "2^31", "10^18"]
)
def test_odd_token_ids_reach_the_engine_unchanged(
    ids, client: Client, house, engine: FakeEngine
) -> None:
    raw = orjson.dumps({"model": "all-minilm", "input": ids})

    assert OPENAI.post(client, key=house.key, raw=raw).status_code == 200
    assert engine.jobs[0].inputs == (tuple(ids),)


@pytest.mark.parametrize(
    ("asked", "width"), [(None, 384), (384, 384), (64, 64), (128, 128)]
)
def test_the_catalog_says_which_dimensions_there_are(
    asked, width: int, client: Client, house, engine: FakeEngine
) -> None:
    house.model.matryoshka_sizes = [64, 128]
    house.model.save()
    raw = orjson.dumps({"model": "all-minilm", "input": "a", "dimensions": asked})

    response = OPENAI.post(client, key=house.key, raw=raw)

    assert len(response.json()["data"][0]["embedding"]) == width


def test_cohere_encodes_what_is_left_of_a_vector(
    client: Client, house, engine: FakeEngine
) -> None:
    house.model.matryoshka_sizes = [64]
    house.model.save()
    fields = {"embedding_types": ["float", "int8", "binary"], "output_dimension": 64}
    raw = orjson.dumps({**COHERE.body(["a", "b"], "all-minilm"), **fields})

    found = COHERE.post(client, key=house.key, raw=raw).json()["embeddings"]

    widths = {name: [len(row) for row in rows] for name, rows in found.items()}
    assert widths == {"float": [64, 64], "int8": [64, 64], "binary": [8, 8]}


@pytest.mark.parametrize("wire", [NUGEN, OPENAI, COHERE], ids=lambda wire: wire.name)
@pytest.mark.parametrize("asked", [1, 123, 383, 385, 2**70])
def test_dimensions_that_there_are_not_are_refused(
    wire: Wire, asked: int, client: Client, house, engine: FakeEngine
) -> None:
    sizes = f'"dimensions": {asked}, "output_dimension": {asked}'
    raw = f'{{"model": "all-minilm", "input": "a", "texts": ["a"], {sizes}}}'.encode()

    response = wire.post(client, key=house.key, raw=raw)

    wire.error_of(response, wire.status_of(ErrorCode.DIMENSIONS))
    assert not UsageEvent.objects.exists()


@pytest.mark.parametrize(
    ("asked", "width"), [(1, 1), (123, 123), (384, 384), (385, 384), (0, 384)]
)
def test_ollama_cuts_to_any_size_and_ignores_the_rest(
    asked: int, width: int, client: Client, house, engine: FakeEngine
) -> None:
    raw = orjson.dumps({"model": "all-minilm", "input": "a", "dimensions": asked})

    response = OLLAMA.post(client, key=house.key, raw=raw)

    assert len(response.json()["embeddings"][0]) == width
