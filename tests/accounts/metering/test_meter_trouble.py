"""Frozen processes, locked rows, quotas set while requests run, interrupted waits."""

import dataclasses
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.errors import QuotaExceededError, RateLimitedError, UnavailableError
from accounts.metering import Claim, Meter, books, incarnations
from accounts.metering import writer as bounds
from accounts.models import (
    EventKind,
    IdempotencyKey,
    InFlight,
    Quota,
    QuotaAccount,
    UsageEvent,
)
from tests.factories import make_api_key

pytestmark = pytest.mark.django_db(transaction=True)

CLAIM = Claim(digest=b"d" * 32, fingerprint=b"f" * 32)


@pytest.fixture
def other():
    """The meter of another process."""
    meter = Meter()
    yield meter
    meter.close()


@pytest.fixture
def of_another_tenant(make_usage):
    """Make usages of a tenant that has no part in the trouble."""
    api_key = make_api_key().api_key
    return lambda: make_usage(tenant_id=api_key.tenant_id, api_key_id=api_key.pk)


@pytest.fixture
def pause(monkeypatch):
    """Stops the next round that writes to accounts, once.

    One that is judged is stopped between its two trips.
    """
    reached, go_on = threading.Event(), threading.Event()

    def later(write):
        def write_later(*args, **options):
            if not reached.is_set():
                reached.set()
                go_on.wait(20)
            write(*args, **options)

        return write_later

    def arm():
        for name in ("write_accounts", "take", "give_back"):
            monkeypatch.setattr(books, name, later(getattr(books, name)))
        return reached, go_on

    yield arm
    go_on.set()


def test_a_pack_does_not_sell_what_was_reserved_when_it_was_bought(
    meter, make_usage, ask_for, charge
):
    running = meter.admit(ask_for(make_usage(tokens=50)))
    Quota.objects.create(
        tenant_id=running.ask.tenant_id, kind="tokens-prepaid", amount=100
    )
    meter.settle(running, make_usage(tokens=0, status=500))

    for _ in range(10):
        charge(meter, make_usage(tokens=10))
    with pytest.raises(QuotaExceededError):
        charge(meter, make_usage(tokens=1))


def test_what_a_replay_delivered_is_not_taken_back(
    other, make_usage, ask_for, billed, monkeypatch
):
    """The commit is seen before it is on the disk, where it hangs for too long."""
    hasty, flush, hung = Meter(timeout_s=1.0), incarnations.flush, []

    def hang(script, incarnation):
        if not hung:
            hung.append(script)
            script.add("SELECT pg_sleep(0.75)")
            script.add("SELECT pg_sleep(0.75)")
        flush(script, incarnation)

    ask = dataclasses.replace(ask_for(make_usage()), claim=CLAIM)
    first = hasty.admit(ask)
    monkeypatch.setattr(incarnations, "flush", hang)
    with pytest.raises(UnavailableError):
        hasty.settle(first, make_usage())

    again = other.admit(dataclasses.replace(ask, occurred_at=timezone.now()))
    other.settle(again, make_usage(kind=EventKind.REPLAY, tokens=0))
    hasty.close()

    assert again.is_replay
    assert billed() == 7
    assert not UsageEvent.objects.filter(kind=EventKind.CORRECTION).exists()


def test_a_replay_of_what_was_taken_back_is_withheld(meter, make_usage, ask_for):
    ask = dataclasses.replace(ask_for(make_usage()), claim=CLAIM)
    meter.settle(meter.admit(ask), make_usage())
    replay = meter.admit(ask)
    IdempotencyKey.objects.all().delete()

    with pytest.raises(UnavailableError):
        meter.settle(replay, make_usage(kind=EventKind.REPLAY, tokens=0))


def test_a_frozen_process_stops_nobody_for_long(
    other, make_usage, charge, ask_for, pause, monkeypatch
):
    charge(other, make_usage())
    monkeypatch.setattr(bounds, "FROZEN_S", 0.2)
    frozen = Meter()
    reached, go_on = pause()
    with ThreadPoolExecutor(1) as threads:
        judged = dataclasses.replace(ask_for(make_usage()), claim=CLAIM)
        waiting = threads.submit(frozen.admit, judged)
        assert reached.wait(5)

        charge(other, make_usage())

        go_on.set()
        waiting.result(10)
    frozen.close()
    assert UsageEvent.objects.count() == 2


def test_a_locked_tenant_holds_up_nobody_else(
    meter, make_usage, charge, of_another_tenant, monkeypatch
):
    monkeypatch.setattr(bounds, "LOCK_S", 0.1)
    charge(meter, make_usage())
    charge(meter, of_another_tenant())
    with ThreadPoolExecutor(4) as threads, transaction.atomic():
        rows = QuotaAccount.objects.filter(tenant_id=make_usage().tenant_id)
        assert list(rows.select_for_update())
        waiting = [threads.submit(charge, meter, make_usage()) for _ in range(3)]
        for _ in range(3):
            threads.submit(charge, meter, of_another_tenant()).result(4)
        assert not any(future.done() for future in waiting)
    for future in waiting:
        future.result(5)


def test_what_is_left_is_that_of_this_minute(
    meter, make_usage, ask_for, charge, time_machine
):
    now = timezone.now().replace(second=5)
    time_machine.move_to(now)
    before = make_usage(tokens=1, occurred_at=now - timedelta(seconds=60))
    Quota.objects.create(tenant_id=before.tenant_id, kind="tpm", amount=100)
    running = meter.admit(ask_for(before))
    charge(meter, make_usage(tokens=100, occurred_at=now))

    [standing] = meter.settle(running, before)

    assert standing.remaining == 0
    with pytest.raises(RateLimitedError):
        charge(meter, make_usage(tokens=1, occurred_at=now))


class InterruptError(Exception):
    """What a signal's handler raises in the main thread."""


@pytest.mark.parametrize("step", ["admission", "settlement"])
def test_an_interrupted_wait_leaves_nothing_reserved_or_billed(
    meter, make_usage, ask_for, charge, pause, wait_until, billed, step
):
    charge(meter, make_usage(tokens=1))
    reservation = meter.admit(ask_for(make_usage(tokens=5)))
    reached, go_on = pause()

    def interrupt(*_):
        raise InterruptError

    before = signal.signal(signal.SIGALRM, interrupt)
    main = threading.get_ident()
    threading.Thread(
        target=lambda: reached.wait(5) and signal.pthread_kill(main, signal.SIGALRM)
    ).start()
    waits = {
        "admission": lambda: meter.admit(ask_for(make_usage(tokens=5))),
        "settlement": lambda: meter.settle(reservation, make_usage(tokens=5)),
    }
    try:
        with pytest.raises(InterruptError):
            waits[step]()
    finally:
        signal.signal(signal.SIGALRM, before)
    go_on.set()
    if step == "admission":
        meter.settle(reservation, make_usage(tokens=0, status=500))

    wait_until(lambda: not InFlight.objects.exclude(amount=0).exists())
    wait_until(lambda: billed() == 1)


def test_a_thread_that_cannot_start_is_tried_again(make_usage, charge, monkeypatch):
    meter = Meter()

    def fail(_):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        with pytest.raises(RuntimeError):
            charge(meter, make_usage())

    charge(meter, make_usage())
    meter.close()
    assert UsageEvent.objects.count() == 1


def test_a_column_is_altered_under_way(meter, make_usage, charge):
    charge(meter, make_usage())
    alter = "ALTER TABLE accounts_quotaaccount ALTER kind TYPE varchar({})"
    try:
        with connection.cursor() as cursor:
            cursor.execute(alter.format(64))

        charge(meter, make_usage())
    finally:
        with connection.cursor() as cursor:
            cursor.execute(alter.format(32))

    charge(meter, make_usage())
    assert UsageEvent.objects.filter(status=200).count() == 3
