"""Writes to the ledger; each may be repeated without counting twice."""

from collections.abc import Collection, Sequence
from datetime import date

from django.db import IntegrityError, transaction
from django.db.models import Q
from psycopg.errors import CheckViolation

from accounts import partitions
from accounts.metering.usage import Usage, correction_of
from accounts.models import ApiKey, UsageEvent


def record(usages: Sequence[Usage]) -> None:
    """Insert the events that are not there yet, all or none.

    Commits unless the caller has a transaction open. A missing month is made.
    """
    _insert([usage.to_row() for usage in usages])


def void(usages: Sequence[Usage]) -> None:
    """See to it that events whose answers were withheld bill nothing, all or none.

    An event that was not written is written as a failure of 0 tokens under the same
    id, which keeps a late commit of the original out; one that was is taken back by a
    correction.
    """
    with transaction.atomic():
        _insert([usage.undelivered().to_row() for usage in usages])
        written = UsageEvent.objects.filter(
            event_id__in=[usage.event_id for usage in usages],
            occurred_at__in=[usage.occurred_at for usage in usages],
        ).exclude(texts=0, tokens=0, truncated=0, list_nanos=0)
        _insert([correction_of(event) for event in written])


def note_use(api_key_ids: Collection[int], *, on: date) -> None:
    """Set the day of last use of keys where it is earlier.

    A row that somebody holds is left for another time: nothing waits here.
    """
    earlier = Q(last_used_on__isnull=True) | Q(last_used_on__lt=on)
    with transaction.atomic():
        free = (
            ApiKey.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(earlier, pk__in=api_key_ids)
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        ApiKey.objects.filter(pk__in=list(free)).update(last_used_on=on)


def _insert(rows: list[UsageEvent]) -> None:
    """Insert rows whose ids are new; makes the months they fall in where missing."""
    try:
        with transaction.atomic():
            UsageEvent.objects.bulk_create(rows, ignore_conflicts=True)
    except IntegrityError as error:
        if not _is_missing_month(error):
            raise
        for start in {partitions.month_start(row.occurred_at) for row in rows}:
            partitions.ensure_month(start)
        UsageEvent.objects.bulk_create(rows, ignore_conflicts=True)


def _is_missing_month(error: IntegrityError) -> bool:
    """Whether no partition takes a row: a check violation that names no check."""
    cause = error.__cause__
    return isinstance(cause, CheckViolation) and cause.diag.constraint_name is None
