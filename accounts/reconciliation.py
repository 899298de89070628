"""Proof that a month's sums are those of its ledger, and the closing of the month."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts import partitions
from accounts.models import SealedMonth

#: After a month's end, its last requests may still be settled for so long.
GRACE = timedelta(hours=1)

SUMS = "requests, failures, replays, texts, tokens, truncated, list_nanos"

#: Hours whose sums in the ledger are not those that were rolled up or wait for it.
DIFFERENCES = f"""
WITH ledger AS (
    SELECT date_trunc('hour', occurred_at, 'UTC') AS hour, tenant_id, api_key_id, model,
        count(*) FILTER (WHERE kind <> 3) AS requests,
        count(*) FILTER (WHERE kind = 3 OR status >= 400) AS failures,
        count(*) FILTER (WHERE kind = 2) AS replays,
        sum(texts) AS texts, sum(tokens) AS tokens,
        sum(truncated) AS truncated, sum(list_nanos) AS list_nanos
    FROM accounts_usageevent
    WHERE occurred_at >= %(start)s AND occurred_at < %(end)s
    GROUP BY 1, 2, 3, 4
), rolled AS (
    SELECT hour, tenant_id, api_key_id, model,
        sum(requests) AS requests, sum(failures) AS failures, sum(replays) AS replays,
        sum(texts) AS texts, sum(tokens) AS tokens,
        sum(truncated) AS truncated, sum(list_nanos) AS list_nanos
    FROM accounts_usagesofar
    WHERE hour >= %(start)s AND hour < %(end)s
    GROUP BY 1, 2, 3, 4
)
SELECT hour, tenant_id, api_key_id, model, to_jsonb(l), to_jsonb(r)
FROM (SELECT hour, tenant_id, api_key_id, model, {SUMS} FROM ledger) AS l
FULL JOIN (SELECT hour, tenant_id, api_key_id, model, {SUMS} FROM rolled) AS r
    USING (hour, tenant_id, api_key_id, model)
WHERE ({", ".join(f"coalesce(l.{name}, 0)" for name in SUMS.split(", "))})
    IS DISTINCT FROM
    ({", ".join(f"coalesce(r.{name}, 0)" for name in SUMS.split(", "))})
ORDER BY hour, tenant_id, api_key_id, model
"""  # noqa: S608 -- made of constants

#: Accounts of quotas that say something else than the ledger, what running requests
#: hold aside. A key's may have missed requests that ran when it got its quota.
ACCOUNT_DIFFERENCES = """
SELECT tenant_id, api_key_id, kind, period_start, used, in_ledger FROM (
    SELECT a.tenant_id, a.api_key_id, a.kind, a.period_start,
        a.used - coalesce(held.amount, 0) AS used,
        accounts_quota_used(
            a.tenant_id, a.api_key_id, a.quantity, a.period_start, a.period_end
        ) AS in_ledger
    FROM accounts_quotaaccount a
    LEFT JOIN (
        SELECT account_id, sum(amount) AS amount FROM accounts_inflight GROUP BY 1
    ) AS held ON held.account_id = a.id
    WHERE a.period_end IS NULL OR (
        a.period_start >= %(start)s AND a.period_start < %(end)s
        AND a.period_end - a.period_start >= interval '1 hour'
    )
) AS accounts
WHERE used > in_ledger OR (used < in_ledger AND api_key_id IS NULL)
ORDER BY tenant_id, api_key_id, period_start, kind
"""

#: One line per event, the same on every machine: times in UTC, numbers in full.
CANONICAL = """
COPY (
    SELECT event_id,
        to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), kind,
        ref_event, tenant_id, api_key_id, model, wire, status, texts, tokens,
        truncated, latency_us, price_id, list_nanos, is_estimated
    FROM accounts_usageevent
    WHERE occurred_at >= %(start)s AND occurred_at < %(end)s
    ORDER BY occurred_at, event_id
) TO STDOUT
"""

TOTALS = """
SELECT count(*), coalesce(sum(tokens), 0)::bigint, coalesce(sum(list_nanos), 0)::bigint
FROM accounts_usageevent WHERE occurred_at >= %(start)s AND occurred_at < %(end)s
"""


class UnreconciledError(Exception):
    """A month that cannot be sealed; one sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One hour of a tenant, key and model whose sums disagree; None: no such sums."""

    hour: datetime
    tenant_id: int
    api_key_id: int
    model: str
    in_ledger: Mapping[str, Any] | None
    rolled_up: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDifference:
    """A quota's account whose use is not what the ledger says."""

    tenant_id: int
    api_key_id: int | None
    kind: str
    period_start: datetime
    used: int
    in_ledger: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """One month's ledger in figures, its digest, and where it is not what it should be.

    `digest` is the SHA-256 (hex) of the canonical rows; `sealed_digest` what it was
    when the month was sealed, None before that.
    """

    month: datetime
    events: int
    tokens: int
    list_nanos: int
    digest: str
    sealed_digest: str | None
    differences: int
    first_difference: Difference | None
    account_differences: int
    first_account_difference: AccountDifference | None

    @property
    def is_exact(self) -> bool:
        """Whether every sum agrees, and the ledger is still what was sealed."""
        is_sealed_one = self.sealed_digest in (None, self.digest)
        return is_sealed_one and not self.differences and not self.account_differences


def reconcile(month: datetime) -> Reconciliation:
    """Compare the month (UTC) of an aware moment, as of one instant, with its ledger.

    Raises `UnreconciledError` where the ledger was dropped; needs a transaction of its
    own.
    """
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return _compare(month)


def seal(month: datetime) -> SealedMonth:
    """Close a month that has ended and is exact; raises `UnreconciledError` if not.

    From then on the ledger refuses events of that month. Safe to repeat.
    """
    start = partitions.month_start(month)
    if timezone.now() < partitions.month_start(month, later=1) + GRACE:
        raise UnreconciledError(f"{start:%Y-%m} has not ended, or only just")
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Nobody writes to the month between the comparison and the seal; the
            # others go on.
            if partitions.has_month(start):
                name = partitions.partition_name(start)
                cursor.execute(f"LOCK TABLE {name} IN SHARE MODE")
        found = _compare(month)
        if not found.is_exact:
            raise UnreconciledError(f"{start:%Y-%m} does not reconcile")
        sealed, _ = SealedMonth.objects.get_or_create(
            month=start.date(),
            defaults={
                "digest": found.digest,
                "events": found.events,
                "tokens": found.tokens,
                "list_nanos": found.list_nanos,
            },
        )
    return sealed


def _compare(month: datetime) -> Reconciliation:
    start = partitions.month_start(month)
    bounds = {"start": start, "end": partitions.month_start(month, later=1)}
    sealed = SealedMonth.objects.filter(month=start.date()).first()
    if sealed and not partitions.has_month(start):
        raise UnreconciledError(
            f"the ledger of {start:%Y-%m} was dropped after it had been sealed with "
            f"SHA-256 {sealed.digest}"
        )
    with connection.cursor() as cursor:
        cursor.execute(TOTALS, bounds)
        events, tokens, list_nanos = cursor.fetchone()
        cursor.execute(DIFFERENCES, bounds)
        rows = cursor.fetchall()
        cursor.execute(ACCOUNT_DIFFERENCES, bounds)
        accounts = cursor.fetchall()
        digest = hashlib.sha256()
        with cursor.copy(CANONICAL, bounds) as lines:
            for chunk in lines:
                digest.update(chunk)
    return Reconciliation(
        month=start,
        events=events,
        tokens=tokens,
        list_nanos=list_nanos,
        digest=digest.hexdigest(),
        sealed_digest=sealed.digest if sealed else None,
        differences=len(rows),
        first_difference=_difference(rows[0]) if rows else None,
        account_differences=len(accounts),
        first_account_difference=_account(accounts[0]) if accounts else None,
    )


def _account(row: tuple[Any, ...]) -> AccountDifference:
    tenant_id, api_key_id, kind, period_start, used, in_ledger = row
    return AccountDifference(
        tenant_id=tenant_id,
        api_key_id=api_key_id,
        kind=kind,
        period_start=period_start,
        used=int(used),
        in_ledger=in_ledger,
    )


def _difference(row: tuple[Any, ...]) -> Difference:
    hour, tenant_id, api_key_id, model, in_ledger, rolled_up = row
    return Difference(
        hour=hour,
        tenant_id=tenant_id,
        api_key_id=api_key_id,
        model=model,
        in_ledger=in_ledger and json.loads(in_ledger),
        rolled_up=rolled_up and json.loads(rolled_up),
    )
