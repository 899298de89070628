"""All wires on the real model: one vector, one count, and no way to break it."""

import time
from collections.abc import Iterator

import numpy as np
import orjson
import pytest
from django.test import Client

from accounts.models import UsageEvent
from embeddings import process
from embeddings.engine import Engine, EngineConfig
from tests.wires import CHROMA, OLLAMA, OPENAI, WIRES, Wire

every_wire = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)


@pytest.fixture(scope="module")
def real_engine() -> Iterator[Engine]:
    """An engine that loads the model once for all tests here."""
    made = Engine(EngineConfig(streams=1, threads=2))
    yield made
    made.close(drain_s=5)


@pytest.fixture(autouse=True)
def serving(real_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the process's engine."""
    monkeypatch.setattr(process, "_engine", real_engine)


def good_vector(client: Client, key: str) -> np.ndarray:
    body = orjson.loads(CHROMA.post(client, ["hello world"], key=key).content)
    return np.array(body["embeddings"][0], dtype=np.float32)


def test_all_wires_give_the_same_vectors_and_count(client: Client, house) -> None:
    texts = ["why is the sky blue?", "hello world", "why is the sky blue?"]

    answers = [(wire, wire.post(client, texts, key=house.key)) for wire in WIRES]

    bodies = [(wire, orjson.loads(answer.content), answer) for wire, answer in answers]
    vectors = [np.array(wire.vectors(body)) for wire, body, _ in bodies]
    assert all(np.abs(one - vectors[0]).max() < 2e-6 for one in vectors)
    counts = {wire.tokens_of(body, answer.headers) for wire, body, answer in bodies}
    assert counts == {8 + 4 + 8}
    assert set(UsageEvent.objects.values_list("tokens", flat=True)) == {20}


@pytest.mark.parametrize(
    ("window", "tokens"), [(3, 3), (16, 16), (256, 256), (512, 302), (40960, 302)]
)
def test_ollamas_window_counts_as_ollama_counts(
    window: int, tokens: int, client: Client, house
) -> None:
    raw = orjson.dumps(
        {"model": "all-minilm", "input": "a " * 300, "options": {"num_ctx": window}}
    )

    response = OLLAMA.post(client, key=house.key, raw=raw)

    assert response.json()["prompt_eval_count"] == tokens
    assert UsageEvent.objects.get().tokens == tokens


@every_wire
@pytest.mark.parametrize(
    "text",
    [
        " ",
        "\0",
        "\r\n",
        "[CLS] [SEP] [PAD] [MASK]",
        "</s>",
        "\ufffd\u202e\ufeff",
        "e\u0301" * 200,
        "👩‍👩‍👧‍👦" * 50,
        "x" * 7_000_000,
        "字" * 1_000_000,
        "." * 1_000_000,
        "word " * 1_000_000,
    ],
    ids=lambda text: f"{text[:8]!r}x{len(text)}",
)
def test_no_text_breaks_a_wire_or_takes_long(
    wire: Wire, text: str, client: Client, house
) -> None:
    before = good_vector(client, house.key)
    started_at = time.monotonic()

    response = wire.post(client, [text], key=house.key)

    assert time.monotonic() - started_at < 2
    if response.status_code != 200:
        assert 400 <= response.status_code < 500
        wire.error_of(response, response.status_code)
    else:
        body = orjson.loads(response.content)
        assert np.isfinite(wire.vectors(body)).all()
        assert wire.tokens_of(body, response.headers) <= 256
    assert (good_vector(client, house.key) == before).all()


@pytest.mark.parametrize(
    "ids",
    [[2**63], [2**64 - 1], [-1], [30522], [10**12], [[101], [99999]]],
    ids=repr,
)
def test_token_ids_that_the_model_has_not_are_a_400(ids, client: Client, house) -> None:
    raw = orjson.dumps({"model": "all-minilm", "input": ids})

    response = OPENAI.post(client, key=house.key, raw=raw)

    OPENAI.error_of(response, 400)
    assert not UsageEvent.objects.exists()


def test_token_ids_are_the_text_they_came_from(client: Client, house) -> None:
    def vector(value: object) -> np.ndarray:
        raw = orjson.dumps({"model": "all-minilm", "input": value})
        body = OPENAI.post(client, key=house.key, raw=raw).json()
        assert body["usage"]["total_tokens"] == 4
        return np.array(body["data"][0]["embedding"])

    text = vector("hello world")

    assert np.abs(vector([7592, 2088]) - text).max() < 2e-6
    assert np.abs(vector([101, 7592, 2088, 102]) - text).max() < 2e-6


def test_ollama_loads_and_cuts_dimensions(client: Client, house) -> None:
    loaded = OLLAMA.post(client, key=house.key, raw=b'{"model": "all-minilm"}')
    cut = OLLAMA.post(
        client,
        key=house.key,
        raw=b'{"model": "all-minilm", "input": "hello world", "dimensions": 64}',
    )

    assert loaded.json() == {"model": "all-minilm", "embeddings": []}
    (vector,) = cut.json()["embeddings"]
    full = good_vector(client, house.key)[:64]
    assert np.abs(vector - full / np.linalg.norm(full)).max() < 2e-6
