"""How the quotas that bind a key stand, read without admitting anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from accounts.quotas import KINDS, QuotaKind

# Where nothing was admitted in a period yet there is no account: its quota is read, and
# the ledger, as the meter will when it makes the account.
READ = """
SELECT wanted.kind, holder.api_key_id IS NOT NULL,
    CASE WHEN there.id IS NULL THEN found.amount ELSE there.cap - there.base END,
    CASE WHEN there.id IS NOT NULL THEN there.used - there.base
        WHEN wanted.is_pack THEN 0
        ELSE accounts_quota_used(%(tenant)s, holder.api_key_id, wanted.quantity,
            wanted.period_start, wanted.period_end) END
FROM unnest(
    %(kinds)s::text[], %(quantities)s::text[], %(packs)s::boolean[],
    %(starts)s::timestamptz[], %(ends)s::timestamptz[]
) AS wanted (kind, quantity, is_pack, period_start, period_end)
CROSS JOIN (VALUES (NULL::bigint), (%(api_key)s)) AS holder (api_key_id)
CROSS JOIN LATERAL (
    SELECT accounts_quota_amount(%(tenant)s, holder.api_key_id, wanted.kind) AS amount
) AS found
LEFT JOIN accounts_quotaaccount there ON there.tenant_id = %(tenant)s
    AND there.api_key_id IS NOT DISTINCT FROM holder.api_key_id
    AND there.kind = wanted.kind AND there.period_start = wanted.period_start
WHERE CASE WHEN there.id IS NULL THEN found.amount ELSE there.cap END IS NOT NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """One quota in its present period, of the key itself or of its whole tenant.

    `used` includes what running requests hold, and is above `limit` where a quota was
    lowered; `resets_at` is None for what never begins anew.
    """

    kind: QuotaKind
    is_of_key: bool
    limit: int
    used: int
    resets_at: datetime | None

    @property
    def remaining(self) -> int:
        """What can still be used of it."""
        return max(0, self.limit - max(0, self.used))


def allowances_of(
    *, tenant_id: int, api_key_id: int | None, now: datetime
) -> tuple[Allowance, ...]:
    """All quotas that bind a key's requests: the tenant's, then the key's own.

    Without a key, the tenant's alone.
    """
    spans = [kind.span(now) for kind in KINDS]
    parameters: Mapping[str, Any] = {
        "tenant": tenant_id,
        "api_key": api_key_id,
        "kinds": [kind.code for kind in KINDS],
        "quantities": [kind.quantity.value for kind in KINDS],
        "packs": [kind.is_pack for kind in KINDS],
        "starts": [span.start for span in spans],
        "ends": [span.end for span in spans],
    }
    with connection.cursor() as cursor:
        cursor.execute(READ, parameters)
        rows: Sequence[tuple[str, bool, int, int]] = cursor.fetchall()
    found = {(code, is_of_key): (limit, used) for code, is_of_key, limit, used in rows}
    return tuple(
        Allowance(
            kind=kind,
            is_of_key=is_of_key,
            limit=found[kind.code, is_of_key][0],
            used=found[kind.code, is_of_key][1],
            resets_at=span.end,
        )
        for is_of_key in (False, True)
        for kind, span in zip(KINDS, spans, strict=True)
        if (kind.code, is_of_key) in found
    )
