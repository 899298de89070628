"""Another platform as the provider: its wires and our backends, token for token."""

import time
import uuid
from dataclasses import replace

import numpy as np
import pytest

from accounts.authentication import caller_of
from accounts.metering import use_meter
from accounts.models import UsageEvent
from embeddings import process, service
from embeddings.catalog.lookup import CatalogEntry
from embeddings.engine.errors import ProviderError
from embeddings.engine.providers import Providers
from embeddings.engine.remote.hooks import Hooks
from embeddings.engine.spec import Call, Job, Role, Truncate
from embeddings.types import EmbeddingRequest, ModelFacts
from tests.clients.reference import TEXTS, assert_same
from tests.embeddings.engine.wires import make_endpoint, make_spec
from tests.factories import make_api_key
from tests.inline_meter import InlineMeter
from tests.live import MODEL

GIVEN = tuple(text for text in TEXTS if text)
BACKENDS = ("openai", "azure", "cohere", "google")
#: The wires that are named otherwise than their backends.
WIRES = {"azure": "azure_openai"}
LONG = "word " * 400


def spec_of(server, backend, **changes):
    url = f"{server.url}/v1" if backend == "openai" else server.url
    endpoint = make_endpoint(
        url,
        backend,
        secret=server.key,
        provider=backend,
        timeout_s=60.0,
        options={"batch_texts": "2"},
    )
    facts = {"dimensions": 384, "max_tokens": 256, "remote_name": MODEL}
    return make_spec(endpoint, **{**facts, **changes})


def billed(server, backend):
    """Requests and tokens in the provider's own ledger."""
    ((requests, tokens),) = server.query(
        "SELECT count(*), coalesce(sum(tokens), 0) FROM accounts_usageevent"
        " WHERE wire = %s AND status = 200",
        WIRES.get(backend, backend),
    )
    return np.array([int(requests), int(tokens)])


def make_call():
    return Call(tenant="ours", deadline=time.monotonic() + 60)


@pytest.fixture
def providers():
    made = Providers(Hooks())
    yield made
    made.close(drain_s=5)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("role", [Role.NONE, Role.QUERY])
def test_vectors_and_counts_are_the_providers(server, providers, backend, role):
    spec, before = spec_of(server, backend), billed(server, backend)
    job = Job(spec=spec, inputs=GIVEN, role=role)

    prepared = providers.prepare(job, spec.endpoint)
    made = providers.embed(prepared, make_call(), spec.endpoint)

    assert_same(made.vectors, GIVEN)
    requests, tokens = billed(server, backend) - before
    assert (requests, made.tokens, made.is_estimated) == (3, tokens, False)
    assert 0 < made.tokens <= prepared.most_tokens


@pytest.mark.parametrize("backend", BACKENDS)
def test_both_ledgers_have_the_same_tokens(db, server, monkeypatch, backend):
    key = make_api_key().secret
    spec = spec_of(server, backend, name="ours")
    facts = ModelFacts(
        name="ours",
        created_at=0,
        owner="them",
        dimensions=384,
        max_tokens=256,
        outputs=spec.outputs,
    )
    entry = CatalogEntry(
        facts=facts,
        spec=spec,
        over_length=None,
        matryoshka_min=None,
        matryoshka_sizes=(),
    )
    monkeypatch.setattr(service, "resolve", lambda *_: entry)
    monkeypatch.setattr(process, "_engine", None)
    before = billed(server, backend)

    with use_meter(InlineMeter()):
        origin = service.Origin(
            event_id=uuid.uuid4(),
            caller=caller_of(key),
            wire="openai",
            started_ns=time.monotonic_ns(),
        )
        result = service.embed(EmbeddingRequest(model="ours", inputs=GIVEN), origin)
    process.close(drain_s=5)

    event = UsageEvent.objects.get(event_id=origin.event_id)
    _, tokens = billed(server, backend) - before
    assert event.tokens == result.total_tokens == tokens
    assert not event.is_estimated


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_text_that_is_too_long(server, providers, backend):
    spec = spec_of(server, backend)
    job = Job(spec=spec, inputs=(LONG,))

    with pytest.raises(ProviderError, match="too long"):
        providers.embed(
            providers.prepare(job, spec.endpoint), make_call(), spec.endpoint
        )


def test_a_cut_that_is_asked_for(server, providers):
    spec = spec_of(server, "cohere")
    job = Job(spec=spec, inputs=(LONG,), truncate=Truncate.END)

    made = providers.embed(
        providers.prepare(job, spec.endpoint), make_call(), spec.endpoint
    )

    assert made.tokens == 256


def test_google_counts_without_embedding(server, providers):
    spec, before = spec_of(server, "google"), billed(server, "google")
    job = Job(spec=spec, inputs=("hello world", "hello"))

    assert providers.count(job, make_call(), spec.endpoint) == 4 + 3
    assert (billed(server, "google") == before).all()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "changes", [{"secret": "wrong"}, {"remote_name": "nobodys-model"}], ids=str
)
def test_what_the_provider_refuses(server, providers, backend, changes):
    spec = spec_of(server, backend)
    if "secret" in changes:
        spec = replace(spec, endpoint=replace(spec.endpoint, **changes))
    else:
        spec = replace(spec, **changes)
    job = Job(spec=spec, inputs=("hello",))

    with pytest.raises(ProviderError, match="refused"):
        providers.embed(
            providers.prepare(job, spec.endpoint), make_call(), spec.endpoint
        )
