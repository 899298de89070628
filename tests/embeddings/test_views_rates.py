"""Who guesses keys or bursts is told so in each wire's own shape."""

from collections.abc import Iterator

import orjson
import pytest
import time_machine
from django.core.cache import caches
from django.test import Client
from django.utils import timezone

from accounts import authentication, throttling
from accounts.models import ApiKey, UsageEvent
from accounts.rate_counter import RateCounter
from accounts.secrets import make_secret
from embeddings.errors import ErrorCode
from tests.factories import make_api_key
from tests.fakes import FakeEngine
from tests.wires import OLLAMA, OPENAI, WIRES, Wire

PROXY = "172.30.0.7"

every_wire = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)


@pytest.fixture(autouse=True)
def three_guesses(settings, monkeypatch) -> Iterator[None]:
    """Few of everything, no key known yet, and no window that ends meanwhile."""
    settings.RATE_FAILED_KEYS = "3/60"
    settings.RATE_BURST = "3/10"
    monkeypatch.setattr(throttling, "_guard", throttling.KeyGuard())
    with time_machine.travel(timezone.now(), tick=False):
        yield


def guess(wire: Wire, client: Client, times: int = 3, **extra) -> list[int]:
    return [
        wire.post(client, key=make_secret(), **extra).status_code for _ in range(times)
    ]


@every_wire
def test_guessing_ends_in_a_429_even_for_a_key_that_is_valid(
    wire: Wire, client: Client, house, engine: FakeEngine
) -> None:
    assert guess(wire, client) == [401] * 3

    response = wire.post(client, key=house.key)

    assert "address" in wire.error_of(response, wire.status_of(ErrorCode.RATE_LIMITED))
    assert 1 <= int(response["Retry-After"]) <= 60
    elsewhere = wire.post(client, key=house.key, REMOTE_ADDR="203.0.113.9")
    assert elsewhere.status_code == 200


def test_a_refused_guess_asks_the_database_nothing(
    client: Client, db, django_assert_num_queries
) -> None:
    guess(OPENAI, client)

    with django_assert_num_queries(0):
        assert guess(OPENAI, client, 1) == [429]


def test_typos_and_revoked_keys_count_and_a_missing_key_does_not(
    client: Client, house, engine: FakeEngine
) -> None:
    revoked = make_api_key(house.acme)
    ApiKey.objects.filter(pk=revoked.api_key.pk).revoke()
    for _ in range(5):
        assert OPENAI.post(client, key=None).status_code == 401

    statuses = [
        OPENAI.post(client, key=key).status_code
        for key in ("typo", house.key[:-1], revoked.secret, house.key)
    ]

    assert statuses == [401, 401, 401, 429]


def test_callers_who_are_known_are_served_beside_a_guesser(
    client: Client, house, engine: FakeEngine
) -> None:
    assert OLLAMA.post(client, key=house.key).status_code == 200
    guess(OLLAMA, client)

    assert OLLAMA.post(client, key=house.key).status_code == 200
    assert OLLAMA.post(client, key=house.globex_key).status_code == 429


def test_an_address_of_ones_own_making_does_not_help(client: Client, db) -> None:
    statuses = [
        guess(OPENAI, client, 1, headers={"x-forwarded-for": f"198.51.100.{number}"})
        for number in range(4)
    ]

    assert statuses == [[401], [401], [401], [429]]


def test_behind_a_trusted_proxy_each_client_is_counted_alone(
    client: Client, db, settings
) -> None:
    settings.TRUSTED_PROXIES = ["172.30.0.0/24"]

    def through_proxy(passed_on: str) -> int:
        headers = {"x-forwarded-for": passed_on}
        return guess(OPENAI, client, 1, headers=headers, REMOTE_ADDR=PROXY)[0]

    forged = [through_proxy(f"198.51.100.{n}, 203.0.113.9") for n in range(4)]

    assert forged == [401, 401, 401, 429]
    assert through_proxy("203.0.113.10") == 401


def test_a_network_of_ipv6_is_one_guesser(client: Client, db) -> None:
    statuses = [
        guess(OPENAI, client, 1, REMOTE_ADDR=f"2001:db8::{number}")[0]
        for number in range(4)
    ]

    assert statuses == [401, 401, 401, 429]
    assert guess(OPENAI, client, 1, REMOTE_ADDR="2001:db8:0:1::1") == [401]


@every_wire
def test_a_burst_of_one_key_is_a_429_before_the_body_is_read(
    wire: Wire, client: Client, house, engine: FakeEngine
) -> None:
    for _ in range(3):
        assert wire.post(client, key=house.key, raw=b"{").status_code in {400, 422}

    response = wire.post(client, key=house.key, raw=b"{")

    wire.error_of(response, wire.status_of(ErrorCode.RATE_LIMITED))
    assert 1 <= int(response["Retry-After"]) <= 10
    another = make_api_key(house.acme).secret
    assert wire.post(client, key=another).status_code == 200
    assert UsageEvent.objects.count() == 1


def test_openai_reads_its_own_code(client: Client, house, engine: FakeEngine) -> None:
    guess(OPENAI, client)

    error = orjson.loads(OPENAI.post(client, key=house.key).content)["error"]

    assert error["code"] == "rate_limit_exceeded"


def test_what_is_public_is_not_limited(client: Client, house) -> None:
    guess(OLLAMA, client)

    for _ in range(5):
        assert client.get("/api/version").status_code == 200


def test_a_broken_cache_serves_everybody(
    client: Client, house, engine: FakeEngine, monkeypatch
) -> None:
    def away(*_, **__):
        raise ConnectionError("refused")

    monkeypatch.setattr(throttling, "_counter", RateCounter())
    monkeypatch.setattr(caches["rate_limits"], "add", away)

    assert guess(OPENAI, client, 5) == [401] * 5
    for _ in range(5):
        assert OPENAI.post(client, key=house.key).status_code == 200


def test_authentication_and_views_share_one_guard() -> None:
    assert authentication.get_guard() is throttling.get_guard()
