"""Writes to the ledger, in the caller's transaction or one of their own."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date

from django.db import IntegrityError, transaction
from django.db.models import Q
from psycopg.errors import CheckViolation

from accounts.latency import BUCKETS
from accounts.metering.entries import Ask
from accounts.metering.script import Script
from accounts.metering.usage import Usage, correction_of
from accounts.models import ApiKey, EventKind, UsageEvent

#: The ledger's columns and their types.
COLUMNS = {
    "event_id": "uuid",
    "occurred_at": "timestamptz",
    "kind": "smallint",
    "ref_event": "uuid",
    "tenant_id": "bigint",
    "api_key_id": "bigint",
    "model": "text",
    "wire": "text",
    "status": "smallint",
    "texts": "integer",
    "tokens": "bigint",
    "truncated": "integer",
    "latency_us": "bigint",
    "price_id": "bigint",
    "list_nanos": "bigint",
    "is_estimated": "boolean",
}

INSERT = f"""
INSERT INTO accounts_usageevent ({", ".join(COLUMNS)})
SELECT * FROM unnest({", ".join(f"%s::{kind}[]" for kind in COLUMNS.values())})
ON CONFLICT DO NOTHING
"""  # noqa: S608 -- made of constants

#: Refusals count nothing else; the histogram is that of no request.
REFUSALS = f"""
INSERT INTO accounts_usagedelta (hour, tenant_id, api_key_id, model, refusals, requests,
    failures, replays, texts, tokens, truncated, list_nanos, latency)
SELECT *, 0, 0, 0, 0, 0, 0, 0, ARRAY[{", ".join("0" * BUCKETS)}]::bigint[]
FROM unnest(%s::timestamptz[], %s::bigint[], %s::bigint[], %s::text[], %s::bigint[])
"""  # noqa: S608 -- made of constants


def record(usages: Sequence[Usage], *, script: Script | None = None) -> None:
    """Insert the events that are not there yet, all or none, by a script or at once.

    Raises IntegrityError; see `is_missing_month`.
    """
    _insert([usage.to_row() for usage in usages], script)


def correct(usages: Sequence[Usage], *, script: Script | None = None) -> None:
    """Take events back whose answers were withheld; each at most once."""
    _insert([correction_of(usage.to_row()) for usage in usages], script)


def note_refusals(asks: Sequence[Ask], *, script: Script) -> None:
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
    columns = zip(*counts, strict=True)
    script.add(REFUSALS, *map(list, columns), list(counts.values()))


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


def _insert(rows: list[UsageEvent], script: Script | None) -> None:
    own = script or Script()
    own.add(INSERT, *([_plain(getattr(row, name)) for row in rows] for name in COLUMNS))
    if script is None:
        own.run()


def _plain(value: object) -> object:
    """A choice as the number that it is."""
    return int(value) if isinstance(value, EventKind) else value
