"""The unmodified `cohere` clients, and chromadb's function that is made of one."""

import base64
import json
import os
import subprocess
import sys

import cohere
import numpy as np
import pytest

from tests.clients import reference

pytestmark = [
    pytest.mark.clients,
    # fastavro's and the SDK's own use of their dependencies.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

MODEL = "all-MiniLM-L6-v2"
LONG = "alpha " * 300 + "omega " * 300
#: As chromadb's users run it: `cohere` reads CO_API_URL when it is imported.
CHROMADB = """
import json, sys
from chromadb.utils.embedding_functions import CohereEmbeddingFunction
function = CohereEmbeddingFunction(model_name="sentence-transformers/all-MiniLM-L6-v2")
texts = json.load(sys.stdin)
vectors = [*function(texts), *function.embed_query(texts[:1])]
print(json.dumps([vector.tolist() for vector in vectors]))
"""


@pytest.fixture
def client(server):
    return cohere.ClientV2(base_url=server.url, api_key=server.key, timeout=60)


@pytest.fixture
def old_client(server):
    return cohere.Client(base_url=server.url, api_key=server.key, timeout=60)


def embed(client, texts, **fields):
    fields = {"model": MODEL, "input_type": "search_document", **fields}
    return client.embed(texts=list(texts), **fields)


def test_vectors_are_those_of_sentence_transformers(client) -> None:
    answer = embed(client, reference.TEXTS)

    assert answer.response_type == "embeddings_by_type"
    assert answer.texts == list(reference.TEXTS)
    assert answer.embeddings.int8 is None
    reference.assert_same(answer.embeddings.float_, reference.TEXTS)


def test_every_type_is_read_back(client) -> None:
    types = ["float", "int8", "uint8", "binary", "ubinary", "base64"]

    found = embed(client, reference.TEXTS, embedding_types=types).embeddings

    floats = np.array(found.float_, dtype="f4")
    decoded = [np.frombuffer(base64.b64decode(text), "<f4") for text in found.base64]
    bits = np.unpackbits(np.array(found.ubinary, dtype=np.uint8), axis=1)
    assert (np.stack(decoded) == floats).all()
    assert (bits == (floats > 0)).all()
    assert (np.array(found.binary) + 128 == np.array(found.ubinary)).all()
    assert (np.array(found.uint8) - 128 == np.array(found.int8)).all()
    for small, whole in zip(found.int8, floats, strict=True):
        assert reference.cosine(small, whole) > 0.998


def test_old_clients_get_bare_vectors(old_client) -> None:
    answer = embed(old_client, reference.TEXTS)

    assert answer.response_type == "embeddings_floats"
    assert answer.meta.api_version.version == "1"
    reference.assert_same(answer.embeddings, reference.TEXTS)


def test_old_clients_get_vectors_by_type(old_client) -> None:
    answer = embed(old_client, reference.TEXTS, embedding_types=["float", "int8"])

    assert answer.response_type == "embeddings_by_type"
    assert len(answer.embeddings.int8) == len(reference.TEXTS)
    reference.assert_same(answer.embeddings.float_, reference.TEXTS)


def test_old_clients_may_name_no_model(old_client) -> None:
    answer = old_client.embed(texts=["hello"])

    reference.assert_same(answer.embeddings, ["hello"])


def test_batches_of_old_clients_are_put_together(old_client) -> None:
    texts = [f"text number {number}" for number in range(200)]

    answer = embed(old_client, texts)

    assert answer.texts == texts
    assert answer.meta.billed_units.input_tokens == 200 * 5
    reference.assert_same(answer.embeddings, texts)


def test_more_texts_than_cohere_takes(client) -> None:
    answer = embed(client, ["hello"] * 200)

    assert len(answer.embeddings.float_) == 200


def test_inputs_are_texts_too(client) -> None:
    inputs = [{"content": [{"type": "text", "text": text}]} for text in ("a", "b")]

    answer = client.embed(model=MODEL, input_type="clustering", inputs=inputs)

    reference.assert_same(answer.embeddings.float_, ["a", "b"])


def test_the_answers_id_is_the_ledgers(client, server) -> None:
    answer = embed(client, ["hello", "hello world"])

    assert answer.meta.billed_units.input_tokens == 7
    assert server.ledger(answer.id) == [(200, 2, 7, MODEL, "cohere")]


@pytest.mark.parametrize(
    ("cut", "kept"), [("END", "alpha " * 254), ("START", "omega " * 254)]
)
def test_the_end_or_the_start_is_cut(client, cut: str, kept: str) -> None:
    answer = embed(client, [LONG], truncate=cut)

    assert answer.meta.billed_units.input_tokens == 256
    reference.assert_same(answer.embeddings.float_, [kept])


def test_old_clients_cut_too(old_client) -> None:
    start = embed(old_client, [LONG], truncate="START")
    end = embed(old_client, [LONG])

    reference.assert_same([start.embeddings[0]], ["omega " * 254])
    reference.assert_same([end.embeddings[0]], ["alpha " * 254])


def test_max_tokens_cuts_further(client) -> None:
    answer = embed(client, [LONG], truncate="START", max_tokens=10)

    assert answer.meta.billed_units.input_tokens == 10
    reference.assert_same(answer.embeddings.float_, ["omega " * 8])


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"model": "org/nope"}, cohere.NotFoundError, "model 'org/nope' not found"),
        ({"texts": []}, cohere.BadRequestError, "must be given"),
        ({"texts": ["a"] * 2049}, cohere.BadRequestError, "2048"),
        ({"texts": ["x" * 9_000_000]}, cohere.BadRequestError, "invalid request"),
        ({"texts": [LONG], "truncate": "NONE"}, cohere.BadRequestError, "too many tok"),
        ({"max_tokens": 2}, cohere.BadRequestError, "at most 2"),
        ({"output_dimension": 100}, cohere.BadRequestError, "100 dimensions"),
        ({"output_dimension": 0}, cohere.BadRequestError, "at least 1"),
        ({"embedding_types": ["bit"]}, cohere.BadRequestError, "ubinary"),
        ({"truncate": "LEFT"}, cohere.BadRequestError, "NONE, START, END"),
        ({"input_type": "poem"}, cohere.BadRequestError, "search_query"),
        ({"images": ["data:image/png;base64,AA"]}, cohere.BadRequestError, "images"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_refusals_have_their_exception(client, wrong, error, words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        embed(client, **{"texts": ["hello"], **wrong})

    assert set(caught.value.body) == {"id", "message"}


def test_images_alone_are_refused(client, old_client) -> None:
    for one in (client, old_client):
        with pytest.raises(cohere.BadRequestError, match="images are not supported"):
            one.embed(
                model=MODEL, input_type="image", images=["data:image/png;base64,AA"]
            )


@pytest.mark.parametrize("kind", [cohere.Client, cohere.ClientV2])
def test_a_wrong_key_is_unauthorized(server, kind) -> None:
    client = kind(base_url=server.url, api_key="wrong", timeout=60)

    with pytest.raises(cohere.UnauthorizedError, match="invalid api token"):
        embed(client, ["hello"])


def test_chromadbs_function(server) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CHROMADB],
        env={**os.environ, "CO_API_URL": server.url, "COHERE_API_KEY": server.key},
        input=json.dumps(reference.TEXTS),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    texts = [*reference.TEXTS, reference.TEXTS[0]]
    reference.assert_same(json.loads(done.stdout), texts)
