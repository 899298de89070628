"""Metering without a thread."""

import threading
import uuid

import pytest
from django.db import transaction

from accounts.errors import UnavailableError
from accounts.metering import InlineMeter
from accounts.models import ApiKey, UsageEvent


@pytest.mark.django_db
def test_it_settles_in_the_callers_transaction(make_usage):
    meter = InlineMeter()

    with transaction.atomic():
        meter.settle(make_usage())
        assert UsageEvent.objects.count() == 1
        transaction.set_rollback(True)

    assert UsageEvent.objects.count() == 0


@pytest.mark.django_db
def test_it_starts_no_thread(make_usage):
    before = threading.active_count()
    meter = InlineMeter()

    meter.settle(make_usage())
    meter.close()

    assert threading.active_count() == before


@pytest.mark.django_db
def test_it_notes_the_day_of_last_use(make_usage):
    usage = make_usage()

    InlineMeter().settle(usage)

    assert ApiKey.objects.get().last_used_on == usage.occurred_at.date()


@pytest.mark.django_db
def test_what_the_ledger_refuses_is_unavailable(make_usage):
    with pytest.raises(UnavailableError):
        InlineMeter().settle(make_usage(tokens=-1, event_id=uuid.uuid4()))
