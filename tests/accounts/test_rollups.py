"""Hours are the ledger's sums, whoever adds them up and however often he fails."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from accounts import partitions
from accounts.latency import BOUNDS_US, BUCKETS
from accounts.metering import ledger
from accounts.models import EventKind, UsageDelta, UsageHour, UsageSoFar
from accounts.rollups import roll_up
from tests.factories import make_api_key, make_usage

NOON = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)


def usage(api_key, **fields):
    facts = {"texts": 2, "truncated": 1, "list_nanos": 70, "occurred_at": NOON}
    return make_usage(api_key, **facts | fields)


@pytest.fixture
def api_key(db):
    partitions.ensure_month(NOON)
    return make_api_key().api_key


def sums(row):
    names = ("requests", "failures", "replays", "texts", "tokens", "list_nanos")
    return tuple(getattr(row, name) for name in names)


def test_statement_becomes_one_row_per_hour_and_model(api_key):
    ledger.record(
        [
            usage(api_key),
            usage(api_key, tokens=3),
            usage(api_key, model="other"),
            usage(api_key, occurred_at=NOON + timedelta(hours=1)),
        ]
    )

    rows = UsageDelta.objects.order_by("hour", "model")
    assert [(row.hour.hour, row.model, row.tokens) for row in rows] == [
        (12, "all-minilm", 10),
        (12, "other", 7),
        (13, "all-minilm", 7),
    ]


def test_event_written_twice_counts_once(api_key):
    one = usage(api_key)
    ledger.record([one])

    ledger.record([one])

    assert [row.requests for row in UsageDelta.objects.all()] == [1]


def test_failures_and_replays_are_told_apart(api_key):
    ledger.record(
        [
            usage(api_key),
            usage(api_key, status=503, texts=0, tokens=0, list_nanos=0),
            usage(api_key, kind=EventKind.REPLAY, tokens=0, list_nanos=0),
        ]
    )

    roll_up()

    assert sums(UsageHour.objects.get()) == (3, 1, 1, 4, 7, 70)


def test_withheld_answer_is_taken_back(api_key):
    one = usage(api_key)
    ledger.record([one])

    ledger.correct([one])
    roll_up()

    assert sums(UsageHour.objects.get()) == (1, 1, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("latency_us", "bucket"),
    [
        (0, 0),
        (BOUNDS_US[0], 0),
        (BOUNDS_US[0] + 1, 1),
        (BOUNDS_US[5], 5),
        (BOUNDS_US[-1] + 1, BUCKETS - 1),
        (10**12, BUCKETS - 1),
    ],
)
def test_latency_falls_into_its_bucket(api_key, latency_us, bucket):
    ledger.record([usage(api_key, latency_us=latency_us)])

    counts = UsageDelta.objects.get().latency
    assert len(counts) == BUCKETS
    assert [n for n, count in enumerate(counts) if count] == [bucket]


def test_hours_grow_and_the_outbox_empties(api_key):
    ledger.record([usage(api_key)])
    assert roll_up() == 1
    ledger.record([usage(api_key, latency_us=10**9)])

    assert roll_up() == 1

    hour = UsageHour.objects.get()
    assert sums(hour) == (2, 0, 0, 4, 14, 140)
    assert sum(hour.latency) == 2
    assert not UsageDelta.objects.exists()
    assert roll_up() == 0


def test_usage_so_far_needs_no_rolling_up(api_key):
    ledger.record([usage(api_key)])
    roll_up()
    ledger.record([usage(api_key)])

    assert sum(row.tokens for row in UsageSoFar.objects.all()) == 14


def test_failed_transaction_leaves_the_outbox_as_it_was(api_key):
    ledger.record([usage(api_key)])

    with transaction.atomic():
        roll_up()
        transaction.set_rollback(True)

    assert UsageDelta.objects.count() == 1
    assert not UsageHour.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_who_roll_up_at_once_count_once():
    partitions.ensure_month(NOON)
    keys = [make_api_key().api_key for _ in range(5)]
    for _ in range(20):
        ledger.record([usage(key) for key in keys])

    def work():
        for _ in range(10):
            roll_up()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    roll_up()
    assert (
        sorted(sums(row) for row in UsageHour.objects.all())
        == [(20, 0, 0, 40, 140, 1400)] * 5
    )
    assert not UsageDelta.objects.exists()
