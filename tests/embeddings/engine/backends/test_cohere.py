"""What Cohere's backend sends."""

import pytest

from embeddings.engine.backends.cohere import BACKEND
from embeddings.engine.remote.asking import Ask
from embeddings.engine.remote.transport import Transport
from embeddings.engine.spec import Role, Truncate
from tests.embeddings.engine.wires import cohere, make_endpoint


@pytest.fixture
def backend(vendor):
    vendor.usual = cohere
    endpoint = make_endpoint(vendor.url, "cohere")
    transport = Transport(endpoint)
    yield BACKEND(endpoint, transport)
    transport.close()


def ask(*texts, **changes):
    facts = {"model": "embed-english-v3.0", "width": 4, "limit_tokens": 8}
    return Ask(inputs=texts or ("a",), **{**facts, **changes})


@pytest.mark.parametrize(
    ("role", "input_type"),
    [
        (Role.QUERY, "search_query"),
        (Role.DOCUMENT, "search_document"),
        (Role.NONE, "search_document"),
    ],
)
@pytest.mark.parametrize(
    ("cut", "truncate"),
    [(Truncate.ERROR, "NONE"), (Truncate.END, "END"), (Truncate.START, "START")],
)
def test_roles_and_cuts(vendor, backend, role, input_type, cut, truncate):
    backend.embed(ask(role=role, truncate=cut))

    body = vendor.asked[0].body
    assert (body["input_type"], body["truncate"]) == (input_type, truncate)
    assert body["embedding_types"] == ["float"]
    assert not {"output_dimension", "max_tokens"} & set(body)


def test_sizes_and_cuts_that_are_asked_for(vendor, backend):
    backend.embed(ask(dimensions=2, max_tokens=7))

    body = vendor.asked[0].body
    assert (body["output_dimension"], body["max_tokens"]) == (2, 7)


def test_a_size_below_the_models_own_is_always_asked_for(vendor, backend):
    """The catalog may hold a model with fewer dimensions than it makes unasked."""
    backend.embed(ask(model="embed-v4.0", width=3))

    assert vendor.asked[0].body["output_dimension"] == 3


def test_the_figure_is_what_is_billed(vendor, backend):
    assert backend.embed(ask()).tokens == 3
    vendor.usual = lambda asked: cohere(asked, tokens=None)
    assert backend.embed(ask()).tokens is None


def test_a_few_texts_are_counted_by_the_server_alone(vendor, backend):
    assert backend.count(ask("one two", "three")) == 3
    assert [asked.path for asked in vendor.asked] == ["/v1/tokenize"] * 2


def test_many_or_long_texts_are_not_counted(vendor, backend):
    assert backend.count(ask(*"abcdefghi")) is None
    assert backend.count(ask("x" * 65_537)) is None
    assert not vendor.asked
