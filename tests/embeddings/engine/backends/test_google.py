"""What Google's backend sends."""

import pytest

from embeddings.engine.backends.google import BACKEND, model_name
from embeddings.engine.remote.asking import Ask
from embeddings.engine.remote.failures import TooLongError
from embeddings.engine.remote.transport import Transport
from embeddings.engine.spec import Role, Truncate
from tests.embeddings.engine.wires import SECRET, google, make_endpoint


@pytest.fixture
def backend(vendor, monkeypatch):
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    monkeypatch.setenv("GOOGLE_API_KEY", "of-the-environment")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "https://elsewhere.example.com")
    vendor.usual = google
    endpoint = make_endpoint(vendor.url, "google")
    transport = Transport(endpoint)
    yield BACKEND(endpoint, transport)
    transport.close()


def ask(*texts, **changes):
    facts = {"model": "gemini-embedding-001", "width": 4, "limit_tokens": 64}
    return Ask(inputs=texts or ("a",), **{**facts, **changes})


@pytest.mark.parametrize(
    "model", ["gemini-embedding-001", "gemini-embedding-2", "embed-1"]
)
def test_every_text_is_a_request_of_its_own(vendor, backend, model):
    answer = backend.embed(ask("a", "bb", model=model))

    (asked,) = vendor.asked
    assert asked.path == f"/v1beta/models/{model}:batchEmbedContents"
    assert asked.headers["x-goog-api-key"] == SECRET
    assert len(asked.body["requests"]) == 2
    assert [vector[0] for vector in answer.vectors] == [1, 2]


@pytest.mark.parametrize(
    ("role", "task_type"),
    [
        (Role.QUERY, "RETRIEVAL_QUERY"),
        (Role.DOCUMENT, "RETRIEVAL_DOCUMENT"),
        (Role.NONE, None),
    ],
)
def test_roles_and_sizes(vendor, backend, role, task_type):
    backend.embed(ask(role=role, dimensions=2))

    (one,) = vendor.asked[0].body["requests"]
    assert one.get("taskType") == task_type
    assert one["outputDimensionality"] == 2


LONG, SHORT = "word " * 65, "word " * 60


@pytest.mark.parametrize("cut", [Truncate.ERROR, Truncate.START])
def test_what_would_be_cut_unsaid_is_refused(vendor, backend, cut):
    with pytest.raises(TooLongError):
        backend.embed(ask("a", LONG, truncate=cut))

    assert [asked.path.rpartition(":")[2] for asked in vendor.asked] == ["countTokens"]


def test_only_what_may_be_too_long_is_counted(vendor, backend):
    backend.embed(ask("a", SHORT))

    called = [asked.path.rpartition(":")[2] for asked in vendor.asked]
    assert called == ["countTokens", "batchEmbedContents"]


def test_its_own_cut_is_taken_as_it_is(vendor, backend):
    backend.embed(ask(LONG, truncate=Truncate.END))

    assert len(vendor.asked) == 1


def test_one_call_counts_all_texts(vendor, backend):
    assert backend.count(ask("one two", "three")) == 3
    assert len(vendor.asked) == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("embedding-gecko-001", "gemini-embedding-001"),
        ("models/embedding-gecko-001", "gemini-embedding-001"),
        ("text-embedding-gecko", "gemini-embedding-001"),
        ("textembedding-gecko@003", "gemini-embedding-001"),
        ("textembedding-gecko-multilingual@001", "gemini-embedding-001"),
        ("models/gemini-embedding-001", "gemini-embedding-001"),
        ("text-embedding-004", "text-embedding-004"),
        ("my-embedding-gecko", "my-embedding-gecko"),
    ],
)
def test_names_of_palm_lead_to_its_successor(name, expected):
    assert model_name(name) == expected
