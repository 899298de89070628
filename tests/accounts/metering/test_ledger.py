"""Writes to the ledger."""

import threading
from datetime import UTC, date, datetime

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum

from accounts.metering import ledger
from accounts.models import ApiKey, EventKind, UsageEvent
from tests.factories import make_api_key

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 21)


def _billed() -> int:
    return UsageEvent.objects.aggregate(tokens=Sum("tokens"))["tokens"]


def test_what_is_recorded_twice_counts_once(make_usage):
    usages = [make_usage(tokens=5), make_usage(tokens=6)]

    ledger.record(usages)
    ledger.record([*usages, make_usage(tokens=7)])

    assert (UsageEvent.objects.count(), _billed()) == (3, 18)


def test_a_missing_month_is_told_from_other_errors(make_usage):
    usage = make_usage(occurred_at=datetime(2031, 12, 31, 23, tzinfo=UTC))

    with pytest.raises(IntegrityError) as missing, transaction.atomic():
        ledger.record([make_usage(), usage])
    with pytest.raises(IntegrityError) as bad, transaction.atomic():
        ledger.record([make_usage(tokens=-1)])

    assert ledger.is_missing_month(missing.value)
    assert not ledger.is_missing_month(bad.value)


def test_a_bad_event_leaves_none_of_its_batch(make_usage):
    refused = pytest.raises(IntegrityError, match="amounts_not_negative")
    with refused, transaction.atomic():
        ledger.record([make_usage(), make_usage(tokens=-1)])

    assert not UsageEvent.objects.exists()


def test_a_correction_takes_back_at_most_once(make_usage):
    usage, other = make_usage(tokens=5), make_usage(tokens=6)
    ledger.record([usage, other])

    ledger.correct([usage])
    ledger.correct([usage])

    correction = UsageEvent.objects.get(kind=EventKind.CORRECTION)
    assert (correction.ref_event, correction.tokens) == (usage.event_id, -5)
    assert _billed() == 6


def test_the_day_of_last_use_goes_forward_only():
    behind = make_api_key(last_used_on=date(2026, 11, 20)).api_key
    ahead = make_api_key(last_used_on=date(2026, 11, 22)).api_key
    never, other = make_api_key().api_key, make_api_key().api_key

    ledger.note_use([behind.pk, ahead.pk, never.pk], on=TODAY)

    days = dict(ApiKey.objects.values_list("pk", "last_used_on"))
    assert days == {
        behind.pk: TODAY,
        ahead.pk: date(2026, 11, 22),
        never.pk: TODAY,
        other.pk: None,
    }


@pytest.mark.django_db(transaction=True)
def test_the_day_of_last_use_waits_for_nobody():
    held, free = make_api_key().api_key, make_api_key().api_key
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM accounts_apikey WHERE id = %s FOR UPDATE", [held.pk]
        )
        _in_thread(lambda: ledger.note_use([held.pk, free.pk], on=TODAY))

    days = dict(ApiKey.objects.values_list("pk", "last_used_on"))
    assert days == {held.pk: None, free.pk: TODAY}


def _in_thread(work):
    def run():
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()


def test_all_columns_of_the_ledger_are_written():
    fields = UsageEvent._meta.concrete_fields

    assert set(ledger.COLUMNS) == {field.attname for field in fields}
