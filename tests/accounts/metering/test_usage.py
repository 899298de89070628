"""Usage before it is a row."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from accounts.metering.usage import correction_id, correction_of, new_event_id
from accounts.models import EventKind

MOMENT = datetime(2026, 11, 21, 12, 30, 15, 123_456, tzinfo=UTC)


def test_an_event_id_is_a_uuid_7_of_its_moment():
    event_id = new_event_id(MOMENT)

    assert event_id.version == 7
    assert event_id.variant == "specified in RFC 4122"
    milliseconds = (MOMENT - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        milliseconds=1
    )
    assert event_id.int >> 80 == milliseconds


def test_event_ids_are_never_the_same():
    assert len({new_event_id(MOMENT) for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "step", [timedelta(microseconds=1), timedelta(milliseconds=1), timedelta(days=1)]
)
def test_event_ids_sort_by_time(step):
    assert new_event_id(MOMENT) < new_event_id(MOMENT + step)


def test_a_correction_has_one_id_that_differs_from_its_events():
    event_id = new_event_id(MOMENT)

    assert correction_id(event_id) == correction_id(event_id) != event_id
    assert correction_id(event_id).version == 7
    assert correction_id(event_id).int >> 80 == event_id.int >> 80


@pytest.mark.django_db
def test_a_usage_has_an_id_from_the_start(make_usage):
    usage = make_usage()

    assert usage.event_id.version == 7
    assert dataclasses.replace(usage, tokens=1).event_id == usage.event_id


@pytest.mark.django_db
def test_a_given_id_is_kept(make_usage):
    event_id = new_event_id(MOMENT)

    assert make_usage(event_id=event_id).event_id == event_id


@pytest.mark.django_db
def test_the_row_says_the_same(make_usage):
    usage = make_usage(tokens=3, truncated=1, price_id=4, list_nanos=5)

    row = usage.to_row()

    assert {name: getattr(row, name) for name in usage.__slots__} == dataclasses.asdict(
        usage
    )


@pytest.mark.django_db
def test_an_undelivered_event_used_nothing(make_usage):
    usage = make_usage(tokens=3, truncated=1, list_nanos=5).undelivered()

    amounts = (usage.texts, usage.tokens, usage.truncated, usage.list_nanos)
    assert amounts == (0, 0, 0, 0)
    assert usage.status == 503


@pytest.mark.django_db
def test_a_correction_takes_all_amounts_back_in_the_same_period(make_usage):
    event = make_usage(tokens=3, truncated=1, list_nanos=5).to_row()

    row = correction_of(event)

    assert (row.texts, row.tokens, row.truncated, row.list_nanos) == (-1, -3, -1, -5)
    assert (row.kind, row.ref_event) == (EventKind.CORRECTION, event.event_id)
    assert row.occurred_at == event.occurred_at
