"""The ledger's month partitions."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.db import connection, transaction

from accounts import partitions

MOMENT = datetime(2031, 12, 31, 23, 59, 59, tzinfo=UTC)


def _bounds(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = %s",
            [name],
        )
        return cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("moment", "later", "start"),
    [
        (MOMENT, 0, (2031, 12)),
        (MOMENT, 1, (2032, 1)),
        (MOMENT, 13, (2033, 1)),
        (datetime(2031, 1, 1, tzinfo=UTC), 11, (2031, 12)),
        (MOMENT.astimezone(timezone(timedelta(hours=9))), 0, (2031, 12)),
    ],
    ids=["same", "next year", "year after", "december", "by UTC"],
)
def test_months_start_in_utc(moment, later, start):
    assert partitions.month_start(moment, later=later) == datetime(
        *start, 1, tzinfo=UTC
    )


@pytest.mark.django_db
def test_a_month_is_made_once():
    assert partitions.ensure_month(MOMENT)
    assert not partitions.ensure_month(MOMENT)

    assert _bounds("accounts_usageevent_2031_12") == (
        "FOR VALUES FROM ('2031-12-01 00:00:00+00') TO ('2032-01-01 00:00:00+00')"
    )


@pytest.mark.django_db
def test_the_bounds_are_utc_whatever_the_sessions_time_zone():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'Asia/Tokyo'")
        partitions.ensure_month(MOMENT)
        cursor.execute("SET LOCAL TIME ZONE 'UTC'")

    assert "FROM ('2031-12-01 00:00:00+00')" in _bounds("accounts_usageevent_2031_12")


@pytest.mark.django_db
def test_this_month_and_the_coming_ones_are_made_ahead():
    made = partitions.ensure_ahead(2, now=MOMENT)

    assert made == [
        "accounts_usageevent_2031_12",
        "accounts_usageevent_2032_01",
        "accounts_usageevent_2032_02",
    ]
    assert partitions.ensure_ahead(2, now=MOMENT) == []


@pytest.mark.django_db
def test_the_present_is_there_after_migrating():
    assert partitions.ensure_ahead() == []


@pytest.mark.django_db(transaction=True)
def test_many_may_ask_at_once():
    def ensure(_: int) -> bool:
        try:
            return partitions.ensure_month(MOMENT)
        finally:
            connection.close()

    try:
        with ThreadPoolExecutor(8) as threads:
            made = list(threads.map(ensure, range(8)))
    finally:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DROP TABLE accounts_usageevent_2031_12")

    assert sum(made) == 1
