"""Somebody else's model behind our keys, quotas and bills, over every wire."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import orjson
import pytest
from prometheus_client import REGISTRY

from accounts.models import InFlight, Price, Quota, QuotaAccount, UsageEvent
from embeddings import process, service
from embeddings.catalog.lookup import CatalogEntry
from embeddings.engine import Engine, EngineConfig
from embeddings.errors import ErrorCode
from embeddings.types import ModelFacts
from tests.embeddings.engine import wires as vendors
from tests.embeddings.engine.vendor import Answered, Vendor
from tests.wires import GOOGLE, NUGEN, OLLAMA, OPENAI, WIRES, Wire

MODEL = "their-model"
TEXTS = ("hello world", "why is the sky blue?")
BOUND = sum(len(text) + 16 for text in TEXTS)
every_wire = pytest.mark.parametrize("wire", WIRES, ids=lambda one: one.name)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with Vendor().running() as running:
        running.usual = vendors.cohere
        yield running


@pytest.fixture
def theirs(house, vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    """Every name leads to a model of the vendor's, which a real engine asks."""
    spec = vendors.make_spec(vendors.make_endpoint(vendor.url, "cohere", attempts=1))
    entry = CatalogEntry(
        facts=ModelFacts(
            name=MODEL,
            created_at=0,
            owner="acme-ai",
            dimensions=spec.dimensions,
            max_tokens=spec.max_tokens,
            outputs=spec.outputs,
        ),
        spec=spec,
        over_length=None,
        matryoshka_min=2,
        matryoshka_sizes=(),
        is_remote=True,
    )
    monkeypatch.setattr(service, "resolve", lambda *_: entry)
    monkeypatch.setattr(process, "_engine", None)
    Price.objects.create(
        model=MODEL,
        per_million_tokens=Decimal(2),
        effective_from=datetime(2020, 1, 1, tzinfo=UTC),
    )
    Quota.objects.create(tenant=house.acme, kind="tokens-month", amount=1000)
    yield vendor
    process.close(drain_s=0)


def used() -> int:
    assert not any(InFlight.objects.values_list("amount", flat=True))
    accounts = QuotaAccount.objects.filter(kind="tokens-month")
    return max(accounts.values_list("used", flat=True))


def reply_with(tokens: int | None):
    return lambda asked: vendors.cohere(asked, tokens=tokens)


@every_wire
def test_what_the_vendor_counted_is_what_is_billed(theirs, client, house, wire: Wire):
    theirs.usual = reply_with(9)

    answer = wire.post(client, TEXTS, key=house.key)

    assert answer.status_code == 200, answer.content
    body = orjson.loads(answer.content)
    # TEI's wire asks for unit length, the others for the vendor's own.
    lengths = [1, 1] if wire.name == "tei" else [11, 20]
    assert [vector[0] for vector in wire.vectors(body)] == lengths
    assert wire.tokens_of(body, answer.headers) == 9
    event = UsageEvent.objects.get()
    assert (event.tokens, event.texts, event.is_estimated) == (9, 2, False)
    assert (event.model, event.list_nanos) == (MODEL, 9 * 2000)
    assert used() == 9


def test_more_than_a_text_can_have_is_not_billed(theirs, client, house, caplog):
    theirs.usual = reply_with(BOUND + 5)
    labels = {"model": MODEL}
    before = REGISTRY.get_sample_value("embedding_excess_tokens_total", labels) or 0

    body = orjson.loads(OPENAI.post(client, TEXTS, key=house.key).content)

    assert OPENAI.tokens(body) == UsageEvent.objects.get().tokens == used() == BOUND
    after = REGISTRY.get_sample_value("embedding_excess_tokens_total", labels)
    assert after == before + 5
    assert "5 tokens beyond the bound" in caplog.text


def test_a_bill_without_a_count_is_an_estimate(theirs, client, house):
    theirs.usual = reply_with(None)
    texts = [f"text {n}" for n in range(9)]

    body = orjson.loads(OPENAI.post(client, texts, key=house.key).content)

    event = UsageEvent.objects.get()
    assert event.is_estimated
    assert event.tokens == OPENAI.tokens(body) == used() == 9 * (6 + 16)


def test_a_count_that_is_asked_for_is_none(theirs, client, house):
    theirs.usual = reply_with(None)

    OPENAI.post(client, TEXTS, key=house.key)

    event = UsageEvent.objects.get()
    assert (event.tokens, event.is_estimated) == (2 + 5, False)


def test_what_has_no_room_for_the_bound_is_not_asked(theirs, client, house):
    Quota.objects.update(amount=BOUND - 1)

    answer = OPENAI.post(client, TEXTS, key=house.key)

    assert answer.status_code == 429
    assert not theirs.asked
    assert not UsageEvent.objects.exists()


@every_wire
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answered(status=401, body=b"SECRET-TEXT"), ErrorCode.PROVIDER),
        (Answered(status=404, body=b"SECRET-TEXT"), ErrorCode.PROVIDER),
        (Answered(body=b"SECRET-TEXT"), ErrorCode.PROVIDER),
        (Answered(status=429, headers={"retry-after": "7"}), ErrorCode.RATE_LIMITED),
        (Answered(status=503, headers={"retry-after": "7"}), ErrorCode.UNAVAILABLE),
        (Answered(status=400, body=vendors.COHERE.too_long), ErrorCode.INPUT_TOO_LONG),
    ],
    ids=["401", "404", "nonsense", "429", "503", "too long"],
)
def test_failures_cost_nothing_and_tell_nothing(
    theirs, client, house, caplog, wire: Wire, answer: Answered, code: ErrorCode
):
    theirs.usual = lambda _: answer

    reply = wire.post(client, ("a text of SECRET-TEXT",), key=house.key)

    message = wire.error_of(reply, wire.status_of(code))
    assert "SECRET-TEXT" not in message + caplog.text
    assert vendors.SECRET not in message + caplog.text
    if "retry-after" in answer.headers:
        assert reply["Retry-After"] == "7"
    event = UsageEvent.objects.get()
    assert (event.tokens, event.list_nanos) == (0, 0)
    assert used() == 0


def test_rejections_are_counted_for_the_operator(theirs, client, house):
    theirs.usual = lambda _: Answered(status=403)
    labels = {"provider": "acme-ai", "status": "403"}
    name = "embedding_provider_rejections_total"
    before = REGISTRY.get_sample_value(name, labels) or 0

    NUGEN.post(client, TEXTS, key=house.key)

    assert REGISTRY.get_sample_value(name, labels) == before + 1


def test_counting_alone_is_the_vendors_and_bills_nothing(theirs, client, house):
    answer = client.generic(
        "POST",
        f"/v1beta/models/{MODEL}:countTokens",
        orjson.dumps({"contents": [{"parts": [{"text": text}]} for text in TEXTS]}),
        headers={"authorization": f"Bearer {house.key}"},
    )

    assert orjson.loads(answer.content) == {"totalTokens": 7}
    assert not UsageEvent.objects.exists()


def test_what_the_vendor_does_not_count_is_said(theirs, client, house):
    contents = [{"parts": [{"text": "x"}]} for _ in range(9)]

    reply = client.generic(
        "POST",
        f"/v1beta/models/{MODEL}:countTokens",
        orjson.dumps({"contents": contents}),
        headers={"authorization": f"Bearer {house.key}"},
    )

    assert "cannot be counted" in GOOGLE.error_of(reply, 400)


def test_a_load_is_none(theirs, client, house):
    reply = OLLAMA.post(client, (), key=house.key)

    assert reply.status_code == 200
    assert not theirs.asked


def test_one_text_has_its_count_and_several_have_no_made_up_ones(theirs, house):
    engine = Engine(EngineConfig())
    endpoint = vendors.make_endpoint(theirs.url, "cohere")
    spec = vendors.make_spec(endpoint)

    assert engine.loaded() == ()
    assert not engine.unload(spec)
    assert not engine.retry(spec)
    engine.close(drain_s=0)


@pytest.mark.parametrize("size", [0, 1, 5])
def test_odd_sizes_are_refused_here(theirs, client, house, size):
    body = {"model": MODEL, "input": "x", "dimensions": size}

    reply = OPENAI.post(client, key=house.key, raw=orjson.dumps(body))

    assert reply.status_code == 400
    assert not theirs.asked


def test_a_size_that_only_a_model_of_ours_could_be_cut_to_is_not_asked_for(
    theirs, client, house
):
    def ask(size):
        body = {"model": MODEL, "input": "x", "dimensions": size}
        return OLLAMA.post(client, key=house.key, raw=orjson.dumps(body))

    # The vendor would be paid, and nobody billed for what it refuses.
    assert ask(1).status_code == 400
    assert not theirs.asked
    assert len(ask(2).json()["embeddings"][0]) == 2
    assert len(ask(99).json()["embeddings"][0]) == 4


@pytest.mark.parametrize("tokens", [2**70, 10**400], ids=["2**70", "10**400"])
def test_a_figure_that_no_call_can_have_is_none(theirs, client, house, tokens):
    theirs.usual = reply_with(tokens)

    body = orjson.loads(OPENAI.post(client, TEXTS, key=house.key).content)

    # The vendor's own count of words, which is asked for instead.
    assert OPENAI.tokens(body) == used() == 2 + 5


@every_wire
def test_an_empty_text_is_the_callers_fault(theirs, client, house, wire: Wire):
    reply = wire.post(client, ("a", ""), key=house.key)

    assert 400 <= reply.status_code < 500
    assert not theirs.asked
