"""What OpenAI's backend sends, and how it reads what comes."""

import base64

import pytest

from embeddings.engine.backends.openai import BACKEND, figure
from embeddings.engine.remote.asking import Ask, checked
from embeddings.engine.remote.failures import BadAnswerError
from embeddings.engine.remote.transport import Transport
from tests.embeddings.engine.vendor import Answered
from tests.embeddings.engine.wires import make_endpoint, openai, vector_of

ASK = Ask(model="embed-1", inputs=("a", "bb"), width=4, limit_tokens=8)


@pytest.fixture
def open_backend(vendor):
    opened = []

    def open_one(**changes):
        endpoint = make_endpoint(vendor.url, **changes)
        opened.append(Transport(endpoint))
        return BACKEND(endpoint, opened[-1])

    vendor.usual = openai
    yield open_one
    for transport in opened:
        transport.close()


def ask(**changes):
    facts = {"model": "embed-1", "inputs": ("a",), "width": 4, "limit_tokens": 8}
    return Ask(**{**facts, **changes})


@pytest.mark.parametrize(
    ("asked", "dimensions"),
    [
        (ask(), None),
        (ask(dimensions=2), 2),
        (ask(model="text-embedding-3-large"), 4),
        (ask(model="text-embedding-ada-002"), None),
    ],
    ids=["own", "asked", "takes sizes", "takes none"],
)
def test_sizes_go_to_models_that_take_them(vendor, open_backend, asked, dimensions):
    open_backend().embed(asked)

    assert vendor.asked[0].body.get("dimensions") == dimensions


def test_token_ids_go_as_they_are(vendor, open_backend):
    open_backend().embed(ask(inputs=((1, 2), (3,))))

    assert vendor.asked[0].body["input"] == [[1, 2], [3]]


@pytest.mark.parametrize("encoding", ["base64", "float"])
def test_vectors_come_in_either_encoding(vendor, open_backend, encoding):
    answer = open_backend(options={"encoding_format": encoding}).embed(ASK)

    assert checked(answer, ASK).tolist() == [vector_of("a"), vector_of("bb")]
    assert vendor.asked[0].body["encoding_format"] == encoding


def test_the_environment_is_not_looked_at(vendor, open_backend, monkeypatch):
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "of-the-environment")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://elsewhere.example.com")

    open_backend(secret="").embed(ASK)
    open_backend(options={"organization": "org-1"}).embed(ASK)

    first, second = (asked.headers for asked in vendor.asked)
    assert "of-the-environment" not in str([first, second])
    assert first["authorization"] == "Bearer none"
    assert "openai-organization" not in first
    assert second["openai-organization"] == "org-1"


def replied(*items, usage=None):
    return Answered(body={"object": "list", "data": list(items), "usage": usage or {}})


@pytest.mark.parametrize(
    "items",
    [
        [{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [1.0]}],
        [{"index": 1, "embedding": [1.0]}, {"index": 2, "embedding": [1.0]}],
        [{"index": 0, "embedding": "!!"}, {"index": 1, "embedding": "!!"}],
        [{"index": 0, "embedding": base64.b64encode(b"xyz").decode()}],
    ],
    ids=["twice", "from one", "no base64", "no float32"],
)
def test_answers_that_cannot_be_read(vendor, open_backend, items):
    vendor.answers.append(replied(*items))

    with pytest.raises(BadAnswerError):
        open_backend().embed(ASK)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (7, 7),
        (2**53, 2**53),
        (2**53 + 1, None),
        (10**400, None),
        (-1, None),
        (True, None),
        ("7", None),
        (None, None),
        (7.5, None),
    ],
    ids=lambda value: str(value)[:20],
)
def test_figures(value, expected):
    assert figure(value) == expected
