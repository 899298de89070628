"""Months as operators write them: 2026-11, in UTC."""

from datetime import UTC, datetime

from django.utils import timezone

from accounts import partitions


def month_named(text: str | None) -> datetime:
    """The first instant of the month, or of the present one for None.

    Raises `ValueError` with a sentence for what is no month with another after it.
    """
    if text is None:
        return partitions.month_start(timezone.now())
    try:
        start = datetime.strptime(text + "-01", "%Y-%m-%d").replace(tzinfo=UTC)
        partitions.month_start(start, later=1)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a month; write it as 2026-11.") from error
    return start
