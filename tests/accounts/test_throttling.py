"""Guesses, sign-ins and bursts."""

from types import SimpleNamespace

import pytest
import time_machine
from django.core.cache import caches
from prometheus_client import REGISTRY
from rest_framework.views import APIView

from accounts import throttling
from accounts.errors import RateLimitedError
from accounts.rate_counter import RateCounter
from accounts.secrets import make_secret
from accounts.throttling import BurstThrottle, KeyGuard, count_sign_in, site_of

ADDRESS, ELSEWHERE = "203.0.113.9", "203.0.113.10"


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel("2026-01-01T12:00:00Z", tick=False) as moment:
        yield moment


@pytest.fixture
def guard(settings):
    settings.RATE_FAILED_KEYS = "3/60"
    return KeyGuard(size=2)


def guess(guard, *, times=1, address=ADDRESS):
    for _ in range(times):
        secret = make_secret()
        guard.check(secret, address=address)
        guard.note_failed(secret, address=address)


def is_refused(guard, secret="any", address=ADDRESS):
    try:
        guard.check(secret, address=address)
    except RateLimitedError:
        return True
    return False


def refusals(limit):
    name = "platform_rate_limited_total"
    return REGISTRY.get_sample_value(name, {"limit": limit}) or 0


def test_an_address_that_guesses_is_refused_and_told_when_to_come_back(guard):
    before = refusals("failed_keys")
    guess(guard, times=3)

    with pytest.raises(RateLimitedError) as refusal:
        guard.check(make_secret(), address=ADDRESS)

    assert 1 <= refusal.value.retry_after_s <= 60
    assert refusals("failed_keys") == before + 1
    assert not is_refused(guard, address=ELSEWHERE)


def test_a_refused_address_is_free_again_when_the_window_ends(guard, at_noon):
    guess(guard, times=3)
    with pytest.raises(RateLimitedError) as refusal:
        guard.check("any", address=ADDRESS)
    assert is_refused(guard)

    at_noon.shift(refusal.value.retry_after_s + 1)

    assert not is_refused(guard)


def test_only_failures_count(guard):
    for _ in range(10):
        secret = make_secret()
        guard.check(secret, address=ADDRESS)
        guard.note_accepted(secret)

    assert not is_refused(guard)


def test_who_is_known_is_served_beside_a_guesser(guard):
    secret = make_secret()
    guard.note_accepted(secret)
    guess(guard, times=3)

    assert not is_refused(guard, secret)
    assert is_refused(guard, make_secret())


def test_a_known_key_that_fails_is_known_no_more(guard):
    secret = make_secret()
    guard.note_accepted(secret)
    guess(guard, times=2)

    guard.note_failed(secret, address=ADDRESS)

    assert is_refused(guard, secret)


def test_only_so_many_keys_are_known(guard):
    first, second, third = (make_secret() for _ in range(3))
    for secret in (first, second, first, third):
        guard.note_accepted(secret)
    guess(guard, times=3)

    assert [is_refused(guard, one) for one in (first, second, third)] == [
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("rate", ["", "0"])
def test_guesses_may_be_unlimited(guard, settings, rate):
    settings.RATE_FAILED_KEYS = rate

    guess(guard, times=50)


def test_behind_a_unix_socket_nobody_pays_for_another(guard):
    guess(guard, times=50, address="")


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix:", ""),
    ],
)
def test_a_site_is_an_address_or_a_network(address, site):
    assert site_of(address) == site


def call(api_key_id=7):
    auth = SimpleNamespace(api_key_id=api_key_id)
    return BurstThrottle().allow_request(SimpleNamespace(auth=auth), APIView())


def test_a_burst_is_cut_per_key(settings):
    settings.RATE_BURST = "3/10"
    before = refusals("burst")

    assert [call() for _ in range(3)] == [True] * 3
    with pytest.raises(RateLimitedError) as refusal:
        call()

    assert 1 <= refusal.value.retry_after_s <= 10
    assert refusals("burst") == before + 1
    assert call(api_key_id=8)


def test_bursts_may_be_unlimited(settings):
    settings.RATE_BURST = "0"

    assert all(call() for _ in range(50))


def test_without_a_key_there_is_no_burst(settings):
    settings.RATE_BURST = "1/10"

    for _ in range(3):
        assert BurstThrottle().allow_request(SimpleNamespace(auth=None), APIView())


def test_sign_ins_are_limited_by_address(settings):
    settings.RATE_LOGINS = "3/60"
    for number in range(3):
        count_sign_in(ADDRESS, username=f"user{number}")

    with pytest.raises(RateLimitedError):
        count_sign_in(ADDRESS, username="another")
    count_sign_in(ELSEWHERE, username="another")


def test_sign_ins_are_limited_by_name_from_however_many_addresses(settings):
    settings.RATE_LOGINS = "3/60"
    for number in range(9):
        count_sign_in(f"203.0.113.{number}", username="root")

    with pytest.raises(RateLimitedError):
        count_sign_in(ELSEWHERE, username="root")
    count_sign_in(ELSEWHERE, username="other")


def test_one_address_does_not_shut_somebody_else_out(settings, at_noon):
    settings.RATE_LOGINS = "3/60"
    for _ in range(100):
        try:
            count_sign_in(ADDRESS, username="root")
        except RateLimitedError:
            at_noon.shift(1)

    count_sign_in(ELSEWHERE, username="root")


def test_sign_ins_may_be_unlimited(settings):
    settings.RATE_LOGINS = ""

    for _ in range(50):
        count_sign_in(ADDRESS, username="root")


def test_a_broken_cache_refuses_nobody(settings, guard, monkeypatch):
    settings.RATE_LOGINS = settings.RATE_BURST = "1/60"
    monkeypatch.setattr(throttling, "_counter", RateCounter())

    def away(*_, **__):
        raise ConnectionError("refused")

    monkeypatch.setattr(caches["rate_limits"], "add", away)

    guess(guard, times=10)
    assert call()
    assert call()
    count_sign_in(ADDRESS, username="root")
    count_sign_in(ADDRESS, username="root")
