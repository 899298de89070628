"""The metering thread."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import OperationalError, connection

from accounts.errors import UnavailableError
from accounts.metering import Meter, ledger
from accounts.metering import writer as beating
from accounts.metering.script import Script
from accounts.models import ApiKey, Incarnation, QuotaAccount, UsageEvent

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_settled_event_is_committed(meter, make_usage, charge):
    usage = make_usage()

    charge(meter, usage)

    assert UsageEvent.objects.get().event_id == usage.event_id


def test_who_is_answered_is_on_the_disk_whatever_the_servers_default(
    meter, make_usage, charge, monkeypatch
):
    """The log is flushed beyond the place where the event was written."""
    record, run, places = ledger.record, Script.run, []

    def record_and_ask(usages, *, script):
        record(usages, script=script)
        script.add("SELECT pg_current_wal_insert_lsn()::text")

    def note(script):
        found = run(script)
        places.extend(row[0] for rows in found for row in rows if "/" in str(row[0]))
        return found

    monkeypatch.setattr(ledger, "record", record_and_ask)
    monkeypatch.setattr(Script, "run", note)
    with connection.cursor() as cursor:
        cursor.execute("ALTER ROLE CURRENT_USER SET synchronous_commit = off")
    try:
        for _ in range(5):
            charge(meter, make_usage())
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_current_wal_flush_lsn() > %s::pg_lsn", [places[-1]]
                )
                assert cursor.fetchone() == (True,)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER ROLE CURRENT_USER RESET synchronous_commit")


def test_the_waiting_thread_holds_no_connection(meter, make_usage, charge):
    usage = make_usage()
    connection.close()

    charge(meter, usage)

    assert connection.connection is None


def test_who_waits_together_is_committed_together(
    meter, make_usage, gate, wait_until, reserve_all
):
    held = reserve_all(meter, [make_usage() for _ in range(20)])
    with ThreadPoolExecutor(20) as threads:
        waiting = [threads.submit(meter.settle, *held[0])]
        assert gate.is_reached.wait(5)
        waiting += [threads.submit(meter.settle, *pair) for pair in held[1:]]
        wait_until(lambda: len(meter._queue) == 19)
        gate.opened.set()
        for future in waiting:
            future.result(5)

    assert gate.sizes == [1, 19]
    assert UsageEvent.objects.count() == 20


def test_a_missing_month_is_made(meter, make_usage, charge):
    charge(meter, make_usage(occurred_at=datetime(2032, 2, 29, tzinfo=UTC)))

    assert UsageEvent.objects.count() == 1


def test_a_bad_event_fails_alone(meter, make_usage, caplog, settle_all, charge):
    good = [make_usage() for _ in range(9)]
    bad = make_usage(latency_us=-1)

    refused = settle_all(meter, [*good, bad], threads=10)

    assert refused == [bad]
    assert UsageEvent.objects.count() == 9
    assert "cannot be metered" in caplog.text


def test_a_day_of_last_use_that_could_not_be_written_is_tried_again(
    meter, make_usage, monkeypatch, charge
):
    note_use, outcomes = ledger.note_use, iter([OperationalError("away"), None])

    def note(ids, *, on):
        if error := next(outcomes):
            raise error
        note_use(ids, on=on)

    monkeypatch.setattr(ledger, "note_use", note)
    charge(meter, make_usage())
    charge(meter, make_usage())
    meter.close()

    assert ApiKey.objects.get().last_used_on is not None


def test_the_day_of_last_use_is_written_once_a_day(
    meter, make_usage, monkeypatch, charge
):
    noted = []
    note_use = ledger.note_use

    def note(ids, *, on):
        noted.append(set(ids))
        note_use(ids, on=on)

    monkeypatch.setattr(ledger, "note_use", note)
    usage = make_usage()
    charge(meter, usage)
    charge(meter, make_usage())
    meter.close()

    assert noted == [{usage.api_key_id}]
    assert ApiKey.objects.get().last_used_on is not None


def test_closing_finishes_what_was_handed_over(
    meter, make_usage, gate, wait_until, reserve_all
):
    held = reserve_all(meter, [make_usage() for _ in range(4)])
    with ThreadPoolExecutor(5) as threads:
        waiting = [threads.submit(meter.settle, *held[0])]
        assert gate.is_reached.wait(5)
        waiting += [threads.submit(meter.settle, *pair) for pair in held[1:]]
        wait_until(lambda: len(meter._queue) == len(held) - 1)
        closing = threads.submit(meter.close)
        gate.opened.set()
        closing.result(5)
        refused = [future for future in waiting if future.exception(5)]

    assert refused == []
    assert UsageEvent.objects.count() == len(held)
    assert not meter._thread.is_alive()


def test_a_closed_meter_refuses(meter, make_usage, charge):
    charge(meter, make_usage())
    meter.close()

    with pytest.raises(UnavailableError):
        charge(meter, make_usage())


def test_too_many_who_wait_are_refused_at_once(
    make_usage, gate, wait_until, reserve_all, ask_for
):
    """Who was let in is settled all the same."""
    meter = Meter(max_waiting=1)
    held = reserve_all(meter, [make_usage() for _ in range(3)])
    with ThreadPoolExecutor(3) as threads:
        waiting = [threads.submit(meter.settle, *held[0])]
        assert gate.is_reached.wait(5)
        waiting += [threads.submit(meter.settle, *pair) for pair in held[1:]]
        wait_until(lambda: len(meter._queue) == 2)
        with pytest.raises(UnavailableError):
            meter.admit(ask_for(make_usage()))
        gate.opened.set()
        for future in waiting:
            future.result(5)
    meter.close()


def test_more_than_was_admitted_cannot_be_settled(meter, make_usage, ask_for):
    reservation = meter.admit(ask_for(make_usage(tokens=5)))

    with pytest.raises(ValueError, match="more was used"):
        meter.settle(reservation, make_usage(tokens=6))


def test_what_is_released_leaves_no_event(
    meter, make_usage, ask_for, balance, wait_until
):
    meter.release(meter.admit(ask_for(make_usage(tokens=5))))

    wait_until(lambda: balance()["tpd"] == balance()["concurrent"] == 0)
    assert not UsageEvent.objects.exists()


def test_an_idle_process_tells_that_it_lives(
    meter, make_usage, charge, monkeypatch, wait_until
):
    monkeypatch.setattr(beating, "BEAT_S", 0.05)
    charge(meter, make_usage())
    before = Incarnation.objects.get().seen_at

    wait_until(lambda: Incarnation.objects.get().seen_at > before)


def test_an_end_leaves_nothing_held(make_usage, reserve_all):
    meter = Meter()
    reserve_all(meter, [make_usage()])

    meter.close()

    assert Incarnation.objects.get().ended_at is not None
    assert not QuotaAccount.objects.exclude(used=0).exists()
