"""What the documentation promises of refusals."""

import pytest

from embeddings.dialects import all_dialects
from embeddings.dialects.base import Operation
from embeddings.errors import ErrorCode
from embeddings.refusals import STATUS, refusals_of
from tests.samples import dialect_named

#: What no documented route answers with: other paths and methods, faults, no reader.
UNDOCUMENTED = {
    ErrorCode.NOT_FOUND,
    ErrorCode.METHOD_NOT_ALLOWED,
    ErrorCode.CLIENT_GONE,
    ErrorCode.INTERNAL,
}


def route_of(dialect, operation):
    return next(route for route in dialect.routes if route.operation is operation)


def refusals(name: str, operation: Operation):
    dialect = dialect_named(name)
    return refusals_of(dialect, route_of(dialect, operation))


def test_every_code_is_documented_or_cannot_be() -> None:
    assert set(STATUS) | UNDOCUMENTED == set(ErrorCode)
    assert not set(STATUS) & UNDOCUMENTED


@pytest.mark.parametrize("dialect", all_dialects(), ids=lambda one: one.name)
def test_an_embedding_route_tells_all_of_its_refusals(dialect) -> None:
    found = refusals_of(dialect, route_of(dialect, Operation.EMBED))

    assert {401, 403, 429, 502, 503} <= set(found)
    assert 500 not in found
    assert sum(map(len, found.values())) == len(STATUS)


@pytest.mark.parametrize(
    ("name", "status", "text"),
    [
        ("cohere", 402, "A quota is spent"),
        ("chroma", 501, "The model has no embeddings of this kind"),
        ("chroma", 400, "The key may use no such model"),
        ("openai", 404, "The key may use no such model"),
        ("openai", 409, "The request of this Idempotency-Key still runs"),
        ("openai", 422, "The Idempotency-Key names another request"),
        ("nugen", 422, "A field is missing, mistyped or out of range"),
        ("tei", 424, "The model has no embeddings of this kind"),
    ],
)
def test_each_wire_has_its_own_statuses(name, status, text) -> None:
    assert text in refusals(name, Operation.EMBED)[status]


def test_what_only_reads_facts_refuses_less() -> None:
    listing = refusals("openai", Operation.LIST_MODELS)
    showing = refusals("openai", Operation.SHOW_MODEL)

    assert set(listing) == {400, 401, 403, 429, 503}
    assert set(showing) == {*listing, 404}


def test_what_is_public_refuses_nothing() -> None:
    assert refusals("ollama", Operation.VERSION) == {}
