"""Writes to the ledger, in the caller's transaction or one of their own."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date

from django.db import IntegrityError, transaction
from django.db.models import Q
from psycopg.errors import CheckViolation

from accounts.latency import BUCKETS
from accounts.metering.entries import Ask
from accounts.metering.usage import Usage, correction_of
from accounts.models import ApiKey, UsageDelta, UsageEvent


def record(usages: Sequence[Usage]) -> None:
    """Insert the events that are not there yet, all or none.

    Raises IntegrityError; see `is_missing_month`.
    """
    _insert([usage.to_row() for usage in usages])


def correct(usages: Sequence[Usage]) -> None:
    """Take events back whose answers were withheld; each at most once."""
    _insert([correction_of(usage.to_row()) for usage in usages])


def note_refusals(asks: Sequence[Ask]) -> None:
    """Count requests that were not admitted; they are in the roll-ups alone."""
    counts = Counter(
        (
            ask.occurred_at.replace(minute=0, second=0, microsecond=0),
            ask.tenant_id,
            ask.api_key_id,
            ask.model,
        )
        for ask in asks
    )
    UsageDelta.objects.bulk_create(
        UsageDelta(
            hour=hour,
            tenant_id=tenant_id,
            api_key_id=api_key_id,
            model=model,
            refusals=count,
            latency=[0] * BUCKETS,
        )
        for (hour, tenant_id, api_key_id, model), count in counts.items()
    )


def is_missing_month(error: IntegrityError) -> bool:
    """Whether no partition takes a row: a check violation that names no check."""
    cause = error.__cause__
    return isinstance(cause, CheckViolation) and cause.diag.constraint_name is None


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
    UsageEvent.objects.bulk_create(rows, ignore_conflicts=True)
