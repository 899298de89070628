"""One tenant's many requests at once, on every wire."""

import pytest
from django.test import Client

from accounts.models import UsageEvent
from embeddings import in_flight, request_body
from embeddings.engine import errors as engine_errors
from embeddings.errors import ErrorCode
from embeddings.in_flight import InFlight
from tests.fakes import FakeEngine
from tests.wires import OPENAI, WIRES, Wire

every_wire = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)


@pytest.fixture
def hall(monkeypatch: pytest.MonkeyPatch, settings) -> InFlight:
    """Places for two requests, and no patience."""
    settings.READ_TIMEOUT_S = 0
    made = InFlight(places=2)
    monkeypatch.setattr("embeddings.views.get_in_flight", lambda: made)
    return made


@every_wire
def test_one_request_too_many_is_refused_before_its_body_is_read(
    wire: Wire, client: Client, house, engine: FakeEngine, hall, monkeypatch
) -> None:
    for _ in range(2):
        hall.enter("acme", wait_s=0)
    monkeypatch.setattr(request_body, "read", pytest.fail)

    response = wire.post(client, key=house.key)

    wire.error_of(response, wire.status_of(ErrorCode.RATE_LIMITED))
    assert response.status_code == 429
    assert response["Retry-After"] == "1"
    assert not UsageEvent.objects.exists()


@every_wire
def test_others_are_served_meanwhile(
    wire: Wire, client: Client, house, engine: FakeEngine, hall
) -> None:
    for _ in range(2):
        hall.enter("globex", wait_s=0)

    assert wire.post(client, key=house.key).status_code == 200


@pytest.mark.parametrize(
    "failure",
    [None, engine_errors.OverloadedError("full", retry_after_s=1), KeyError("bug")],
    ids=["served", "refused", "crashed"],
)
def test_a_place_is_given_back_whatever_happens(
    client: Client, house, engine: FakeEngine, hall, failure
) -> None:
    if failure is not None:
        engine.failures["run"] = failure

    for _ in range(5):
        OPENAI.post(client, key=house.key)

    assert hall._lines == {}


@pytest.mark.parametrize("raw", [b"{", b'{"model": 5}'], ids=["torn", "mistyped"])
def test_a_bad_body_gives_its_place_back(client: Client, house, hall, raw) -> None:
    OPENAI.post(client, key=house.key, raw=raw)

    assert hall._lines == {}


def test_wrong_keys_take_no_place(client: Client, house, hall, monkeypatch) -> None:
    monkeypatch.setattr(hall, "enter", pytest.fail)

    assert OPENAI.post(client, key="wrong").status_code == 401


def test_lists_of_models_take_no_place(client: Client, house, hall) -> None:
    for _ in range(2):
        hall.enter("acme", wait_s=0)

    headers = {"authorization": f"Bearer {house.key}"}
    answers = [client.get("/v1/models", headers=headers)]
    answers.append(client.head("/v1/models", headers=headers))

    assert [answer.status_code for answer in answers] == [200, 200]


def test_under_a_server_the_place_is_held_until_the_reply_is_sent(
    client: Client, house, engine: FakeEngine, hall
) -> None:
    calls: list[object] = []

    OPENAI.post(client, key=house.key, **{in_flight.AT_END: calls})
    assert hall._lines["acme"].served == 1
    for call in calls:
        call()

    assert hall._lines == {}


@every_wire
def test_a_tenant_that_fills_its_share_of_the_queue_is_told_so(
    wire: Wire, client: Client, house, engine: FakeEngine
) -> None:
    engine.failures["run"] = engine_errors.TenantOverloadedError(
        "too many", retry_after_s=6.5
    )

    response = wire.post(client, key=house.key)

    assert (response.status_code, response["Retry-After"]) == (429, "7")
