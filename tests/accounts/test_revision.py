"""The cache that forgets when the revision changes."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, transaction

from accounts.errors import UnavailableError
from accounts.models import Revision
from accounts.revision import RevisionCache, get_cache
from tests.factories import make_tenant


@pytest.fixture
def cache():
    cache = RevisionCache(size=3, absent_size=2)
    yield cache
    cache.close()


def _wait_until(condition, *, timeout_s=5.0):
    """Poll a condition of another thread; the bound only matters on failure."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def _elsewhere(change):
    """Run `change` and commit it on another connection."""

    def run():
        try:
            return change()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        return threads.submit(run).result()


@pytest.mark.django_db(transaction=True)
def test_a_value_is_loaded_once(cache, django_assert_num_queries):
    loads = iter(["first", "second"])
    cache.get("key", lambda: next(loads))

    with django_assert_num_queries(0):
        assert cache.get("key", lambda: next(loads)) == "first"


@pytest.mark.django_db(transaction=True)
def test_what_others_commit_is_known_within_a_second(cache):
    cache.get("key", lambda: "before")

    _elsewhere(make_tenant)

    _wait_until(lambda: cache.get("key", lambda: "after") == "after", timeout_s=1.0)


@pytest.mark.django_db(transaction=True)
def test_what_was_read_before_a_change_is_not_kept_after_it(cache):
    def slow_load():
        before = cache._generation
        _elsewhere(make_tenant)
        _wait_until(lambda: cache._generation > before)
        return "before"

    assert cache.get("key", slow_load) == "before"

    assert cache.get("key", lambda: "after") == "after"


@pytest.mark.django_db(transaction=True)
def test_values_are_bounded_and_the_least_used_goes(cache):
    for key in ("a", "b", "c"):
        cache.get(key, lambda: 1)
    cache.get("a", lambda: 1)

    cache.get("d", lambda: 1)

    assert list(cache._values) == ["c", "a", "d"]


@pytest.mark.django_db(transaction=True)
def test_a_flood_of_unknown_keys_pushes_no_known_one_out(cache):
    cache.get("known", lambda: 1)

    for number in range(10):
        cache.get(number, lambda: None)

    assert cache.get("known", lambda: 2) == 1
    assert list(cache._absent) == [8, 9]


@pytest.mark.django_db
def test_inside_a_transaction_nothing_is_kept(cache):
    cache.get("key", lambda: "before")

    assert cache.get("key", lambda: "after") == "after"
    assert cache._poller is None


@pytest.mark.django_db(transaction=True)
def test_the_loading_thread_gives_its_connection_back(cache):
    connection.close()

    cache.get("key", Revision.objects.current)

    assert connection.connection is None


@pytest.mark.django_db(transaction=True)
def test_a_connection_in_use_is_left_open(cache):
    with connection.cursor():
        cache.get("key", Revision.objects.current)

        assert connection.connection is not None


@pytest.mark.django_db(transaction=True)
def test_a_failing_load_is_unavailable_and_not_kept(cache):
    def fail():
        raise OperationalError("gone")

    with pytest.raises(UnavailableError):
        cache.get("key", fail)

    assert cache.get("key", lambda: 1) == 1


@pytest.mark.django_db(transaction=True)
def test_without_the_database_it_refuses_within_a_second_and_recovers(
    cache, monkeypatch
):
    cache.get("key", lambda: "known")
    answered = Revision.objects.current

    def away():
        raise OperationalError("away")

    manager = type(Revision.objects)
    with monkeypatch.context() as patch:
        patch.setattr(manager, "current", lambda _: away())
        _wait_until(lambda: cache._is_failing)
        _wait_until(lambda: not cache._is_fresh(), timeout_s=1.1)
        with pytest.raises(UnavailableError) as refusal:
            cache.get("key", lambda: "known")

    assert refusal.value.status_code == 503
    assert refusal.value.retry_after_s
    _wait_until(cache._is_fresh)
    assert answered() == Revision.objects.current()
    assert cache.get("key", lambda: "new") == "known"


@pytest.mark.django_db(transaction=True)
def test_one_lost_connection_harms_nobody(cache):
    cache.get("key", lambda: 1)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    polled_at = cache._polled_at
    _wait_until(lambda: cache._polled_at > polled_at)

    assert cache.get("key", lambda: 2) == 1


@pytest.mark.django_db(transaction=True)
def test_closing_ends_the_thread_and_it_may_start_again(cache):
    cache.get("key", lambda: 1)
    poller = cache._poller

    cache.close()

    assert not poller.is_alive()
    assert cache.get("key", lambda: 2) == 2


@pytest.mark.django_db(transaction=True)
def test_an_uncommitted_change_forgets_nothing(cache):
    cache.get("key", lambda: 1)

    with transaction.atomic():
        make_tenant()
        polled_at = cache._polled_at
        _wait_until(lambda: cache._polled_at > polled_at)
        assert list(cache._values) == ["key"]


def test_there_is_one_per_process():
    assert get_cache() is get_cache()


def test_a_forked_child_has_its_own():
    mine = get_cache()
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writer, b"own" if get_cache() is not mine else b"shared")
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(reader, 10) == b"own"
    os.close(reader)
    os.close(writer)
