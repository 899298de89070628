"""The Idempotency-Key header, from the reader to the bill."""

import pytest
from django.test import Client

from accounts.models import EventKind, IdempotencyKey, QuotaAccount, UsageEvent
from embeddings.dialects.base import Operation, Route, WireRequest
from embeddings.engine import errors as engine_errors
from embeddings.errors import InvalidRequestError
from embeddings.idempotency import claim_of
from embeddings.types import EmbeddingRequest
from tests.fakes import FakeEngine
from tests.wires import OPENAI, WIRES, Wire

every_wire = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)

NAMED = {"headers": {"Idempotency-Key": "order-7"}}


def claim(key="k", *, body=b"{}", path="v1/embeddings", model="m"):
    route = Route(method="POST", path=path, operation=Operation.EMBED, summary="")
    wire = WireRequest(route=route, body=body, headers={"idempotency-key": key})
    return claim_of(wire, EmbeddingRequest(model=model, inputs=("x",)))


def test_a_claim_is_the_same_for_the_same_request_alone():
    assert claim() == claim()
    for other in (claim(body=b"[]"), claim(path="api/embed"), claim(model="n")):
        assert other.digest == claim().digest
        assert other.fingerprint != claim().fingerprint
    assert claim("other").digest != claim().digest
    assert claim("other").fingerprint == claim().fingerprint


def test_without_the_header_there_is_no_claim():
    assert claim("") is claim("  ") is None


@pytest.mark.parametrize("key", ["k" * 256, "schlüssel", "a\tb"])
def test_an_odd_key_is_refused(key):
    with pytest.raises(InvalidRequestError, match="Idempotency-Key"):
        claim(key)


@every_wire
def test_a_repeated_request_is_answered_again_and_billed_once(
    wire: Wire, client: Client, house, engine: FakeEngine
):
    first = wire.post(client, key=house.key, **NAMED)
    again = wire.post(client, key=house.key, **NAMED)

    assert (first.status_code, again.status_code) == (200, 200)
    assert wire.vectors(again.json()) == wire.vectors(first.json())
    assert "idempotency-replayed" not in first
    assert again["idempotency-replayed"] == "true"
    events = UsageEvent.objects.order_by("event_id")
    assert [event.kind for event in events] == [EventKind.USAGE, EventKind.REPLAY]
    assert events[0].tokens > 0 == events[1].tokens
    months = QuotaAccount.objects.filter(kind__in=["requests-month", "tokens-month"])
    used = dict(months.exclude(used=0).values_list("kind", "used"))
    assert used == {"requests-month": 2, "tokens-month": events[0].tokens}


@every_wire
def test_another_request_under_the_same_key_is_refused(
    wire: Wire, client: Client, house, engine: FakeEngine
):
    wire.post(client, key=house.key, **NAMED)

    other = wire.post(client, key=house.key, texts=["another text"], **NAMED)

    status = 400 if wire.name in {"chroma", "google", "ollama"} else 422
    assert "Idempotency-Key" in str(wire.error_of(other, status))
    assert UsageEvent.objects.count() == 1


def test_a_tenants_keys_are_its_own(client: Client, house, engine: FakeEngine):
    IdempotencyKey.objects.create(
        tenant=house.globex,
        digest=claim("order-7").digest,
        fingerprint=b"f" * 32,
        is_settled=True,
        expires_at="2099-01-01T00:00Z",
    )

    assert OPENAI.post(client, key=house.key, **NAMED).status_code == 200


def test_a_failed_request_frees_its_key(client: Client, house, engine: FakeEngine):
    engine.failures["run"] = engine_errors.OverloadedError("full", retry_after_s=1)
    assert OPENAI.post(client, key=house.key, **NAMED).status_code == 503
    engine.failures.clear()

    again = OPENAI.post(client, key=house.key, **NAMED)

    assert again.status_code == 200
    assert "idempotency-replayed" not in again
    assert UsageEvent.objects.filter(kind=EventKind.USAGE, tokens__gt=0).count() == 1


def test_a_key_is_forgotten_after_a_day(client: Client, house, engine: FakeEngine):
    OPENAI.post(client, key=house.key, **NAMED)
    IdempotencyKey.objects.update(expires_at="2026-01-01T00:00Z")

    again = OPENAI.post(client, key=house.key, texts=["another text"], **NAMED)

    assert again.status_code == 200
    assert UsageEvent.objects.filter(kind=EventKind.USAGE).count() == 2


def test_a_request_that_still_runs_is_to_be_waited_for(
    client: Client, house, engine: FakeEngine, monkeypatch
):
    answers = []
    run = engine.run

    def ask_again(*args, **kwargs):
        answers.append(OPENAI.post(Client(), key=house.key, **NAMED))
        return run(*args, **kwargs)

    monkeypatch.setattr(engine, "run", ask_again)
    first = OPENAI.post(client, key=house.key, **NAMED)

    assert first.status_code == 200
    assert OPENAI.error_of(answers[0], 409)
    assert answers[0]["Retry-After"] == "1"
