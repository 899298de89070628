"""Counting in the cache, and doing without it."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from prometheus_client import REGISTRY

from accounts.rate_counter import REST_S, WARNING_INTERVAL_S, RateCounter, Usage
from accounts.rates import Rate

RATE = Rate(count=5, seconds=60)


class FailingCache(LocMemCache):
    """A cache that counts how often it is asked, and fails as long as it is told to."""

    calls = 0
    error: BaseException | None = None
    is_asked = threading.Event()
    may_go_on = threading.Event()

    def add(self, *args, **kwargs):
        FailingCache.calls += 1
        FailingCache.is_asked.set()
        assert FailingCache.may_go_on.wait(10)
        if FailingCache.error is not None:
            raise FailingCache.error
        return super().add(*args, **kwargs)


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def counter(clock):
    return RateCounter(clock=clock)


@pytest.fixture
def cache(monkeypatch):
    """The rate limits' cache, out of order."""
    FailingCache.calls, FailingCache.error = 0, ConnectionError("refused")
    FailingCache.is_asked.clear()
    FailingCache.may_go_on.set()
    broken = FailingCache("failing", {})
    broken.clear()
    monkeypatch.setattr("django_ratelimit.core.caches", {"rate_limits": broken})
    return FailingCache


def failures():
    return REGISTRY.get_sample_value("platform_rate_cache_failures_total")


@pytest.fixture
def at_noon():
    with time_machine.travel("2026-01-01T12:00:00Z", tick=False) as moment:
        yield moment


def test_each_is_counted_until_the_window_ends(counter, at_noon):
    counts = [counter.add("tries", value="a", rate=RATE) for _ in range(3)]

    assert [usage.count for usage in counts] == [1, 2, 3]
    assert len({usage.left_s for usage in counts}) == 1
    assert 1 <= counts[0].left_s <= 60
    at_noon.shift(counts[0].left_s + 1)
    assert counter.add("tries", value="a", rate=RATE).count == 1


def test_looking_counts_nothing(counter, at_noon):
    counter.add("tries", value="a", rate=RATE)

    looks = [counter.look("tries", value="a", rate=RATE).count for _ in range(3)]

    assert looks == [1, 1, 1]
    assert counter.look("tries", value="b", rate=RATE).count == 0


@pytest.mark.parametrize(
    ("group", "value", "rate"),
    [
        ("tenant", "a", Rate(count=15, seconds=60)),
        ("tenant1", "b", RATE),
        ("tenant1", "a", Rate(count=6, seconds=60)),
    ],
    ids=["group", "value", "rate"],
)
def test_neighbours_do_not_count_for_each_other(counter, at_noon, group, value, rate):
    counter.add("tenant1", value="a", rate=RATE)

    assert counter.look(group, value=value, rate=rate).count == 0


def test_all_threads_are_counted(counter, at_noon):
    with ThreadPoolExecutor(8) as threads:
        futures = [
            threads.submit(counter.add, "tries", value="a", rate=RATE)
            for _ in range(200)
        ]
        counts = sorted(future.result().count for future in futures)

    assert counts == list(range(1, 201))


@pytest.mark.parametrize(
    "error",
    [ConnectionError("refused"), TimeoutError("slow"), ValueError("odd"), KeyError(1)],
    ids=lambda error: type(error).__name__,
)
def test_a_failing_cache_limits_nobody_and_is_counted(cache, counter, error):
    cache.error = error
    before = failures()

    assert counter.add("tries", value="a", rate=RATE) is None
    assert counter.look("tries", value="a", rate=RATE) is None
    assert failures() == before + 1


def test_a_failed_cache_is_left_alone_for_a_while(cache, counter, clock):
    counter.add("tries", value="a", rate=RATE)
    clock.now += REST_S - 0.1
    counter.add("tries", value="a", rate=RATE)
    assert cache.calls == 1

    clock.now += 0.1
    counter.add("tries", value="a", rate=RATE)
    assert cache.calls == 2


def test_a_cache_that_is_back_counts_at_once(cache, counter, clock, caplog):
    counter.add("tries", value="a", rate=RATE)
    clock.now += REST_S
    cache.error = None

    with caplog.at_level(logging.INFO):
        found = [counter.add("tries", value="a", rate=RATE) for _ in range(3)]

    assert [usage.count for usage in found] == [1, 2, 3]
    assert caplog.text.count("answers again") == 1


def test_one_request_finds_out_while_the_others_go_on(cache, counter, clock):
    counter.add("tries", value="a", rate=RATE)
    clock.now += REST_S
    cache.is_asked.clear()
    cache.may_go_on.clear()

    with ThreadPoolExecutor(1) as threads:
        hanging = threads.submit(counter.add, "tries", value="a", rate=RATE)
        assert cache.is_asked.wait(10)
        meanwhile = [counter.add("tries", value="a", rate=RATE) for _ in range(3)]
        cache.may_go_on.set()

    assert meanwhile == [None, None, None]
    assert hanging.result() is None
    assert cache.calls == 2


def test_it_is_told_once_a_minute(cache, counter, clock, caplog):
    for _ in range(int(WARNING_INTERVAL_S / REST_S)):
        counter.add("tries", value="a", rate=RATE)
        clock.now += REST_S
    (told,) = caplog.records
    assert (told.levelname, told.message.count("refused")) == ("WARNING", 1)

    counter.add("tries", value="a", rate=RATE)
    assert len(caplog.records) == 2


def test_a_count_that_is_gone_limits_nobody(counter, monkeypatch, at_noon):
    counter.add("tries", value="a", rate=RATE)

    def gone(*_, **__):
        raise ValueError("not found")

    monkeypatch.setattr(caches["rate_limits"], "incr", gone)

    assert counter.add("tries", value="a", rate=RATE) is None


def test_a_window_that_ends_now_has_a_second_left(counter, monkeypatch):
    found = {"count": 2, "limit": 5, "should_limit": False, "time_left": 0}
    monkeypatch.setattr("accounts.rate_counter.get_usage", lambda *_, **__: found)

    assert counter.add("tries", value="a", rate=RATE) == Usage(count=2, left_s=1)
