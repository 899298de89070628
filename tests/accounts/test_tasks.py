"""Celery's entry points."""

from datetime import UTC, date, datetime

import pytest
import time_machine
from django.utils import timezone

from accounts import partitions, tasks
from accounts.latency import BUCKETS
from accounts.metering import incarnations
from accounts.models import Incarnation, SealedMonth, UsageDelta, UsageHour


@pytest.mark.django_db
@time_machine.travel("2031-12-05T00:00:00Z", tick=False)
def test_partitions_are_made_ahead_and_again_without_harm():
    tasks.make_partitions()
    tasks.make_partitions()

    assert not partitions.ensure_month(timezone.now())
    assert not partitions.ensure_month(partitions.month_start(timezone.now(), later=3))


@pytest.mark.django_db
def test_usage_is_rolled_up():
    UsageDelta.objects.create(
        hour=timezone.now(),
        tenant_id=1,
        api_key_id=1,
        model="mini",
        tokens=3,
        latency=[0] * BUCKETS,
    )

    tasks.roll_up()
    tasks.roll_up()

    assert UsageHour.objects.get().tokens == 3


@pytest.mark.django_db
def test_the_dead_are_reaped():
    Incarnation.objects.update_or_create(
        pk=incarnations.begin(), defaults={"seen_at": "2026-01-01T00:00Z"}
    )

    tasks.reap()
    tasks.reap()

    assert Incarnation.objects.get().ended_at is not None


@pytest.mark.django_db
def test_nothing_is_dropped_unless_asked_for(settings):
    SealedMonth.objects.create(
        month=date(2025, 1, 1), digest="", events=0, tokens=0, list_nanos=0
    )
    month = datetime(2025, 1, 1, tzinfo=UTC)
    partitions.ensure_month(month)

    settings.LEDGER_MONTHS = 0
    tasks.drop_old_months()
    assert partitions.has_month(month)

    settings.LEDGER_MONTHS = 1
    tasks.drop_old_months()
    assert not partitions.has_month(month)
