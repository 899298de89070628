"""Made-up events are events like others."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.management import made_up
from accounts.management.made_up import Filling, SealedError, fill
from accounts.models import ApiKey, SealedMonth, Tenant, UsageDelta, UsageEvent
from accounts.reconciliation import reconcile
from tests.factories import make_tenant

START = datetime(2026, 9, 20, tzinfo=UTC)
END = datetime(2026, 10, 11, tzinfo=UTC)


def make_filling(rows=300, **changes):
    return Filling(
        **{"rows": rows, "tenants": 3, "keys": 2, "start": START, "end": END, **changes}
    )


@pytest.mark.django_db(transaction=True)
def test_what_is_made_up_reconciles():
    told = []

    rolled_up = fill(make_filling(), tell=told.append, batch_rows=200)

    months = [reconcile(START), reconcile(END)]
    assert told == [200, 300]
    assert sum(month.events for month in months) == 300
    assert all(month.is_exact for month in months)
    assert (rolled_up > 0, UsageDelta.objects.count()) == (True, 0)


@pytest.mark.django_db
def test_times_and_ids_go_together():
    fill(make_filling(), tell=lambda _: None)

    times = UsageEvent.objects.order_by("event_id").values_list(
        "event_id", "occurred_at"
    )
    assert all(START <= at < END for _, at in times)
    milliseconds = {event_id.int >> 80 for event_id, _ in times}
    assert {event_id.version for event_id, _ in times} == {7}
    assert len(milliseconds) == 300
    assert [at for _, at in times] == sorted(at for _, at in times)


@pytest.mark.django_db
def test_filling_again_adds_events_to_the_same_tenants():
    for _ in range(2):
        fill(make_filling(rows=50), tell=lambda _: None)

    assert UsageEvent.objects.count() == 100
    assert Tenant.objects.count() == 3
    assert ApiKey.objects.count() == 6


@pytest.mark.django_db
def test_more_tenants_get_keys_too():
    fill(make_filling(rows=1), tell=lambda _: None)
    fill(make_filling(rows=1, tenants=5), tell=lambda _: None)

    keys = ApiKey.objects.values_list("tenant__slug", flat=True).order_by("id")
    assert keys[9] == "made-up-00005"
    assert len(set(keys)) == 5


@pytest.mark.django_db
def test_a_sealed_month_is_left_alone():
    facts = {"digest": "0" * 64, "events": 0, "tokens": 0, "list_nanos": 0}
    SealedMonth.objects.create(month=START.date().replace(day=1), **facts)

    with pytest.raises(SealedError, match="2026-09 is sealed"):
        fill(make_filling(), tell=lambda _: None)

    assert not Tenant.objects.exists()


@pytest.mark.django_db
def test_tenants_that_are_not_made_up_are_counted():
    make_tenant("acme")
    make_tenant("made-up-00001")

    assert made_up.real_tenants() == 1


def test_batches_are_the_whole():
    batches = make_filling(rows=10).batches(4)

    assert [batch.rows for batch in batches] == [4, 4, 2]
    assert (batches[0].start, batches[-1].end) == (START, END)
    assert batches[1].start == batches[0].end == START + 4 * timedelta(days=2.1)
