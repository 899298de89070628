"""Celery's entry points."""

import pytest
import time_machine
from django.utils import timezone

from accounts import partitions, tasks


@pytest.mark.django_db
@time_machine.travel("2031-12-05T00:00:00Z", tick=False)
def test_partitions_are_made_ahead_and_again_without_harm():
    tasks.make_partitions()
    tasks.make_partitions()

    assert not partitions.ensure_month(timezone.now())
    assert not partitions.ensure_month(partitions.month_start(timezone.now(), later=3))
