"""Providers' models on every wire: granted, priced, bounded and billed as all are."""

from datetime import UTC, datetime

import pytest
from django.test import Client

from accounts.models import Price, UsageEvent
from embeddings.catalog import providers
from embeddings.errors import ErrorCode
from tests.factories import grant, make_provider, make_remote_model
from tests.fakes import FakeEngine
from tests.wires import OPENAI, WIRES, Wire

every_wire = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)


@pytest.fixture
def remote(house, field_keys):
    """A model of a provider's that acme may use."""
    provider = make_provider("vendor", credential="sk-secret")
    model = make_remote_model("remote-model", provider=provider)
    grant(house.acme, model)
    return model


@every_wire
def test_it_is_served_and_billed_under_its_name(
    wire: Wire, client: Client, house, remote, engine: FakeEngine
) -> None:
    response = wire.post(client, key=house.key, model="remote-model")

    assert response.status_code == 200, response.content
    [job] = engine.jobs
    assert job.spec.endpoint.secret == "sk-secret"
    assert job.spec.remote_name == "text-embedding-3-small"
    assert UsageEvent.objects.get().model == "remote-model"


@every_wire
def test_others_do_not_find_it(wire: Wire, client: Client, house, remote) -> None:
    response = wire.post(client, key=house.outsider_key, model="remote-model")

    wire.error_of(response, wire.status_of(ErrorCode.MODEL_NOT_FOUND))


@every_wire
@pytest.mark.parametrize("lack", ["disabled", "unreadable"])
def test_it_is_not_available_and_nothing_of_the_provider_is_told(
    wire: Wire, lack: str, client: Client, house, remote, engine: FakeEngine, settings
) -> None:
    providers._turns.forget()
    if lack == "disabled":
        remote.provider.is_enabled = False
        remote.provider.save()
    else:
        settings.FIELD_KEYS = []

    response = wire.post(client, key=house.key, model="remote-model")

    message = wire.error_of(response, wire.status_of(ErrorCode.UNAVAILABLE))
    assert "not available now" in message
    assert response["Retry-After"] == "60"
    assert "vendor" not in response.content.decode()
    assert engine.jobs == []
    assert wire.post(client, key=house.key).status_code == 200


def test_prices_and_quotas_are_its_own(
    client: Client, house, remote, engine: FakeEngine
) -> None:
    Price.objects.create(
        model="remote-model",
        per_million_tokens="20",
        effective_from=datetime(2020, 1, 1, tzinfo=UTC),
    )

    assert OPENAI.post(client, key=house.key, model="remote-model").status_code == 200

    event = UsageEvent.objects.get()
    assert event.list_nanos == event.tokens * 20_000
