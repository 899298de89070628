"""The metering thread, on a real database that goes away."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, transaction

from accounts.errors import UnavailableError
from accounts.metering import Meter, ledger
from accounts.models import EventKind, UsageEvent

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_lost_connection_is_replaced_unnoticed(meter, make_usage, lost_connections):
    meter.settle(make_usage())

    lost_connections()
    meter.settle(make_usage())

    assert UsageEvent.objects.count() == 2


def test_an_outage_shorter_than_the_bound_is_waited_out(
    meter, make_usage, database_away, caplog, wait_until
):
    usages = [make_usage() for _ in range(8)]
    with database_away() as come_back, ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(meter.settle, usage) for usage in usages]
        wait_until(lambda: "cannot be written now" in caplog.text)
        assert not any(future.done() for future in waiting)
        come_back()
        for future in waiting:
            future.result(5)

    assert UsageEvent.objects.count() == 8


def test_a_longer_outage_is_refused_and_bills_nothing(
    hasty, make_usage, database_away, billed
):
    hasty.settle(make_usage(tokens=1))
    lost = make_usage(tokens=5)

    with database_away(), pytest.raises(UnavailableError) as refusal:
        hasty.settle(lost)
    hasty.settle(make_usage(tokens=2))
    hasty.close()

    assert (refusal.value.status_code, refusal.value.retry_after_s) == (503, 1.0)
    row = UsageEvent.objects.get(event_id=lost.event_id)
    assert (row.status, row.tokens) == (503, 0)
    assert billed() == 3


def test_the_bill_is_what_was_delivered_whatever_is_lost(
    make_usage, lost_connections, settle_all, billed
):
    meter = Meter(timeout_s=0.05)
    usages = [make_usage(tokens=number) for number in range(1, 201)]
    is_over = threading.Event()

    def lose():
        try:
            while not is_over.wait(0.02):
                lost_connections()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as trouble:
        losing = trouble.submit(lose)
        refused = settle_all(meter, usages, threads=8)
        is_over.set()
        losing.result(5)
    meter.close()

    delivered = sum(usage.tokens for usage in usages if usage not in refused)
    assert billed() == delivered > 0


def test_a_read_only_database_is_refused_and_recovers(hasty, make_usage, monkeypatch):
    hasty.settle(make_usage())
    usage = make_usage()
    connect = Meter._connect

    def read_only(self):
        connect(self)
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = on")

    with monkeypatch.context() as patch:
        patch.setattr(Meter, "_connect", read_only)
        with pytest.raises(UnavailableError):
            hasty.settle(usage)

    hasty.settle(make_usage())
    assert UsageEvent.objects.filter(status=200).count() == 2


def test_a_commit_whose_answer_was_lost_counts_once(
    meter, make_usage, monkeypatch, billed
):
    record, outcomes = ledger.record, iter([OperationalError("answer lost"), None])

    def ambiguous(usages):
        record(usages)
        if error := next(outcomes):
            raise error

    monkeypatch.setattr(ledger, "record", ambiguous)
    meter.settle(make_usage(tokens=7))

    assert (UsageEvent.objects.count(), billed()) == (1, 7)


def test_what_was_committed_and_given_up_is_taken_back(
    hasty, make_usage, monkeypatch, billed
):
    record, usage = ledger.record, make_usage(tokens=7)

    def committed_but_lost(usages):
        record(usages)
        raise OperationalError("answer lost")

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "record", committed_but_lost)
        with pytest.raises(UnavailableError):
            hasty.settle(usage)
    hasty.close()

    correction = UsageEvent.objects.get(kind=EventKind.CORRECTION)
    assert (correction.ref_event, correction.tokens) == (usage.event_id, -7)
    assert billed() == 0


def test_a_commit_that_comes_too_late_is_taken_back(hasty, make_usage, gate, billed):
    with pytest.raises(UnavailableError):
        hasty.settle(make_usage(tokens=7))
    gate.opened.set()
    hasty.close()

    assert (UsageEvent.objects.count(), billed()) == (2, 0)


def test_a_hanging_database_does_not_hold_the_thread(hasty, make_usage, billed):
    hasty.settle(make_usage())
    stuck = make_usage(tokens=5)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE accounts_usageevent IN SHARE MODE")
        with pytest.raises(UnavailableError):
            hasty.settle(stuck)

    hasty.settle(make_usage(tokens=1))
    hasty.close()
    assert billed() == 7 + 1


def test_an_unknown_error_withholds_and_the_thread_goes_on(
    meter, make_usage, monkeypatch, caplog, billed
):
    record, usage = ledger.record, make_usage(tokens=7)

    def broken(usages):
        record(usages)
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "record", broken)
        with pytest.raises(UnavailableError):
            meter.settle(usage)

    meter.settle(make_usage(tokens=1))
    meter.close()
    assert billed() == 1
    assert "withheld" in caplog.text


def test_a_void_that_failed_is_tried_again(
    hasty, make_usage, monkeypatch, gate, wait_until, billed
):
    void, outcomes = ledger.void, iter([OperationalError("away"), None])

    def voiding(usages):
        if error := next(outcomes):
            raise error
        void(usages)

    monkeypatch.setattr(ledger, "void", voiding)
    with pytest.raises(UnavailableError):
        hasty.settle(make_usage(tokens=7))
    gate.opened.set()

    wait_until(lambda: UsageEvent.objects.count() == 2 and billed() == 0)
