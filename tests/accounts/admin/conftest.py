"""A ledger with something in it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts import partitions
from accounts.latency import BUCKETS
from accounts.metering import new_event_id
from accounts.models import ApiKey, UsageEvent, UsageHour
from tests.factories import make_api_key

NEWEST = datetime(2026, 3, 2, 12, tzinfo=UTC)
AddEvents = Callable[..., list[UsageEvent]]


@pytest.fixture
def add_events(db: None) -> AddEvents:
    """Write events a minute apart, the newest first, and return them in that order."""

    def add(
        count: int,
        api_key: ApiKey | None = None,
        newest: datetime = NEWEST,
        **facts: Any,
    ) -> list[UsageEvent]:
        api_key = api_key or make_api_key().api_key
        defaults = {"model": "m", "wire": "openai", "status": 200, "texts": 1}
        defaults |= {"tokens": 5, "latency_us": 1500, **facts}
        times = [newest - timedelta(minutes=n) for n in range(count)]
        for month in {(time.year, time.month) for time in times}:
            partitions.ensure_month(datetime(*month, 1, tzinfo=UTC))
        return UsageEvent.objects.bulk_create(
            UsageEvent(
                event_id=new_event_id(time),
                occurred_at=time,
                tenant_id=api_key.tenant_id,
                api_key=api_key,
                **defaults,
            )
            for time in times
        )

    return add


AddHour = Callable[..., UsageHour]


@pytest.fixture
def add_hour(db: None) -> AddHour:
    """Write what was rolled up of one hour, unless given of a new tenant."""

    def add(
        hour: datetime = NEWEST, api_key: ApiKey | None = None, **sums: Any
    ) -> UsageHour:
        api_key = api_key or make_api_key().api_key
        return UsageHour.objects.create(
            hour=hour,
            tenant_id=api_key.tenant_id,
            api_key=api_key,
            **{"model": "m", "latency": [0] * BUCKETS, **sums},
        )

    return add
