"""How dates and times are written."""

from datetime import UTC, date, datetime

from django.utils.formats import localize


def test_times_sort_as_they_read_and_name_their_zone():
    assert localize(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == (
        "2026-01-02 03:04:05 UTC"
    )


def test_days_sort_as_they_read():
    assert localize(date(2026, 1, 2)) == "2026-01-02"
