"""The metering thread, on a real database that goes away."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from django.db import OperationalError, connection, transaction

from accounts.errors import UnavailableError
from accounts.metering import Claim, Meter, incarnations, ledger
from accounts.metering import writer as beating
from accounts.metering.script import Script
from accounts.models import EventKind, InFlight, UsageEvent

CLAIM = Claim(digest=b"d" * 32, fingerprint=b"f" * 32)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def is_settled(wait_until, balance):
    """Wait until nothing is held, and this many requests and tokens were used."""

    def is_settled(*, requests, tokens):
        def is_so():
            held = sum(InFlight.objects.values_list("amount", flat=True))
            used = balance()
            return (held, used["requests-month"], used["tokens-month"]) == (
                0,
                requests,
                tokens,
            )

        wait_until(is_so)

    return is_settled


def test_a_lost_connection_is_replaced_unnoticed(
    meter, make_usage, lost_connections, charge
):
    charge(meter, make_usage())

    lost_connections()
    charge(meter, make_usage())

    assert UsageEvent.objects.count() == 2


def test_an_outage_shorter_than_the_bound_is_waited_out(
    meter, make_usage, database_away, caplog, wait_until, reserve_all
):
    held = reserve_all(meter, [make_usage() for _ in range(8)])
    with database_away() as come_back, ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(meter.settle, *pair) for pair in held]
        wait_until(lambda: "cannot be written now" in caplog.text)
        assert not any(future.done() for future in waiting)
        come_back()
        for future in waiting:
            future.result(5)

    assert UsageEvent.objects.count() == 8


def test_a_longer_outage_lets_nobody_in(hasty, make_usage, ask_for, database_away):
    hasty.admit(ask_for(make_usage()))

    with database_away(), pytest.raises(UnavailableError) as refusal:
        hasty.admit(ask_for(make_usage()))

    assert (refusal.value.status_code, refusal.value.retry_after_s) == (503, 1.0)
    hasty.admit(ask_for(make_usage()))


def test_a_longer_outage_withholds_and_bills_nothing(
    hasty, make_usage, database_away, billed, charge, reserve_all, is_settled
):
    charge(hasty, make_usage(tokens=1))
    [lost] = reserve_all(hasty, [make_usage(tokens=5)])

    with database_away(), pytest.raises(UnavailableError):
        hasty.settle(*lost)
    charge(hasty, make_usage(tokens=2))

    is_settled(requests=2, tokens=3)
    row = UsageEvent.objects.get(event_id=lost[1].event_id)
    assert (row.status, row.tokens) == (503, 0)
    assert billed() == 3


def test_the_bill_is_what_was_delivered_whatever_is_lost(
    make_usage, lost_connections, settle_all, billed, balance, charge
):
    meter = Meter(timeout_s=0.1)
    usages = [make_usage(tokens=number) for number in range(1, 201)]
    charge(meter, usages.pop(0))
    is_over = threading.Event()

    def lose():
        try:
            while not is_over.wait(0.03):
                lost_connections()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as trouble:
        losing = trouble.submit(lose)
        refused = settle_all(meter, usages, threads=8)
        is_over.set()
        losing.result(5)
    meter.close()

    delivered = [usage for usage in usages if usage not in refused]
    tokens = 1 + sum(usage.tokens for usage in delivered)
    used = balance()
    assert billed() == tokens
    assert (used["tokens-month"], used["requests-month"]) == (
        tokens,
        1 + len(delivered),
    )
    assert used["concurrent"] == 0


def test_a_read_only_database_is_refused_and_recovers(
    hasty, make_usage, monkeypatch, charge, lost_connections
):
    charge(hasty, make_usage())
    connect = beating.Writer._connect

    def read_only(self):
        connect(self)
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only = on")

    with monkeypatch.context() as patch:
        patch.setattr(beating.Writer, "_connect", read_only)
        lost_connections()
        with pytest.raises(UnavailableError):
            charge(hasty, make_usage())

    lost_connections()
    charge(hasty, make_usage())
    assert UsageEvent.objects.filter(status=200).count() == 2


class Commit:
    """Loses the answer to the next commit."""

    def __init__(self, monkeypatch):
        self.is_armed = False
        run = Script.run

        def lose(script):
            found = run(script)
            if self.is_armed and ("COMMIT", ()) in script._statements:
                self.is_armed = False
                raise OperationalError("answer lost")
            return found

        monkeypatch.setattr(Script, "run", lose)


@pytest.fixture
def commit(monkeypatch):
    return Commit(monkeypatch)


@pytest.mark.parametrize("claim", [None, CLAIM], ids=["direct", "judged"])
@pytest.mark.parametrize("step", ["admission", "settlement"])
def test_a_commit_whose_answer_was_lost_counts_once(
    meter, make_usage, ask_for, commit, billed, is_settled, step, claim
):
    first = make_usage(tokens=1)
    meter.settle(meter.admit(ask_for(first)), first)
    usage = make_usage(tokens=7)
    commit.is_armed = step == "admission"
    reservation = meter.admit(replace(ask_for(usage), claim=claim))
    assert not commit.is_armed
    commit.is_armed = step == "settlement"
    meter.settle(reservation, usage)
    assert not commit.is_armed

    assert (UsageEvent.objects.count(), billed()) == (2, 8)
    is_settled(requests=2, tokens=8)


def test_what_is_held_for_nobody_is_given_back(
    hasty, make_usage, ask_for, charge, is_settled, monkeypatch
):
    charge(hasty, make_usage(tokens=1))
    reached, opened = threading.Event(), threading.Event()
    raise_round = incarnations.raise_round

    def slow(*args, **options):
        reached.set()
        opened.wait(5)
        return raise_round(*args, **options)

    monkeypatch.setattr(incarnations, "raise_round", slow)
    with pytest.raises(UnavailableError):
        hasty.admit(ask_for(make_usage(tokens=5)))
    opened.set()

    is_settled(requests=1, tokens=1)


def test_a_commit_that_comes_too_late_is_taken_back(
    hasty, make_usage, gate, billed, charge, is_settled
):
    with pytest.raises(UnavailableError):
        charge(hasty, make_usage(tokens=7))
    gate.opened.set()

    is_settled(requests=0, tokens=0)
    assert (UsageEvent.objects.count(), billed()) == (2, 0)
    assert UsageEvent.objects.filter(kind=EventKind.CORRECTION).count() == 1


def test_a_hanging_database_does_not_hold_the_thread(
    hasty, make_usage, billed, charge, reserve_all, is_settled
):
    charge(hasty, make_usage())
    [stuck] = reserve_all(hasty, [make_usage(tokens=5)])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE accounts_usageevent IN SHARE MODE")
        with pytest.raises(UnavailableError):
            hasty.settle(*stuck)

    charge(hasty, make_usage(tokens=1))
    is_settled(requests=2, tokens=7 + 1)
    assert billed() == 7 + 1


def test_an_unknown_error_withholds_and_the_thread_goes_on(
    meter, make_usage, monkeypatch, caplog, billed, charge, is_settled
):
    record, errors = ledger.record, [ZeroDivisionError()]

    def broken(usages, *, script):
        record(usages, script=script)
        if errors:
            raise errors.pop()

    monkeypatch.setattr(ledger, "record", broken)
    with pytest.raises(UnavailableError):
        charge(meter, make_usage(tokens=7))

    charge(meter, make_usage(tokens=1))
    is_settled(requests=1, tokens=1)
    assert billed() == 1
    assert "cannot be metered" in caplog.text


def test_one_that_was_taken_for_dead_settles_what_still_fits(
    meter, make_usage, reserve_all, billed, is_settled, monkeypatch
):
    monkeypatch.setattr(beating, "BEAT_S", 3600)
    [held] = reserve_all(meter, [make_usage(tokens=5)])
    assert incarnations.reap() == 0
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_incarnation SET seen_at = '2026-01-01'")
    assert incarnations.reap() == 1
    is_settled(requests=0, tokens=0)

    meter.settle(*held)

    is_settled(requests=1, tokens=5)
    assert billed() == 5


def test_what_the_server_forgot_in_a_crash_is_taken_anew(
    meter, make_usage, reserve_all, billed, is_settled
):
    """A round that settled nothing need not be on the disk when the power fails."""
    [held] = reserve_all(meter, [make_usage(tokens=5)])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_incarnation SET round = round - 1")
        cursor.execute("UPDATE accounts_quotaaccount SET used = 0")
        cursor.execute("UPDATE accounts_inflight SET amount = 0")

    meter.settle(*held)

    is_settled(requests=1, tokens=5)
    assert billed() == 5
