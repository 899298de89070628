"""The accounts in the database: made, locked, written."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from accounts.metering.entries import Ask
from accounts.metering.judgement import Account
from accounts.metering.script import Script
from accounts.quotas import BY_CODE, KINDS

# Not in one statement with what follows: that one's snapshot must be later.
SHARE_QUOTAS = """
SELECT pg_advisory_xact_lock_shared(key) FROM (
    SELECT DISTINCT accounts_quota_lock(id) AS key
    FROM unnest(%s::bigint[]) AS id ORDER BY key
) AS sorted
"""

#: The accounts of tenants, and of those keys that have a quota of the kind.
MAKE = """
INSERT INTO accounts_quotaaccount (tenant_id, api_key_id, kind, quantity, is_pack,
    period_start, period_end, cap, base, used)
SELECT tenant_id, api_key_id, kind, quantity, is_pack, period_start, period_end,
    amount + CASE WHEN is_pack THEN used ELSE 0 END,
    CASE WHEN is_pack THEN used ELSE 0 END, used
FROM (
    SELECT holder.*, wanted.*,
        accounts_quota_amount(tenant_id, api_key_id, wanted.kind) AS amount,
        accounts_quota_used(tenant_id, api_key_id, quantity, period_start, period_end)
            AS used
    FROM (
        SELECT id AS tenant_id, NULL::bigint AS api_key_id, NULL AS only_kind
        FROM accounts_tenant WHERE id = ANY (%(tenants)s)
        UNION ALL
        SELECT k.tenant_id, k.id, q.kind
        FROM accounts_quota q JOIN accounts_apikey k ON k.id = q.api_key_id
        WHERE k.tenant_id = ANY (%(tenants)s)
    ) AS holder
    JOIN unnest(
        %(kinds)s::text[], %(quantities)s::text[], %(packs)s::boolean[],
        %(starts)s::timestamptz[], %(ends)s::timestamptz[]
    ) AS wanted (kind, quantity, is_pack, period_start, period_end)
        ON only_kind IS NULL OR only_kind = wanted.kind
    WHERE NOT EXISTS (
        SELECT FROM accounts_quotaaccount there
        WHERE there.tenant_id = holder.tenant_id
            AND there.api_key_id IS NOT DISTINCT FROM holder.api_key_id
            AND there.kind = wanted.kind AND there.period_start = wanted.period_start
    )
) AS missing
ON CONFLICT DO NOTHING
"""

#: In the order of ids, as everybody who locks several.
LOCK = """
SELECT id, tenant_id, api_key_id, kind, period_start, period_end, cap, base, used
FROM accounts_quotaaccount
WHERE id = ANY (%s::bigint[]) OR (
    tenant_id = ANY (%s::bigint[]) AND period_start = ANY (%s::timestamptz[])
    AND (api_key_id IS NULL OR api_key_id = ANY (%s::bigint[]))
)
ORDER BY id FOR NO KEY UPDATE
"""

WRITE = """
WITH changed AS (
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[])
        AS changed (id, used, held)
), held AS (
    INSERT INTO accounts_inflight AS kept (incarnation_id, account_id, amount)
    SELECT %s::uuid, id, held FROM changed
    ON CONFLICT (incarnation_id, account_id) DO UPDATE SET amount = excluded.amount
)
UPDATE accounts_quotaaccount a SET used = changed.used
FROM changed WHERE a.id = changed.id AND a.used <> changed.used
"""

#: Divides by zero where an account is missing or has no room; the accounts are locked,
#: but for those made since, which are here as well. They come back as they were before.
#: The periods are said twice: a tenant has thousands of accounts of other ones.
TAKE = """
WITH wanted AS (
    SELECT * FROM unnest(%s::text[], %s::timestamptz[], %s::bigint[])
        AS wanted (kind, period_start, amount)
), applicable AS (
    SELECT a.id, a.tenant_id, a.api_key_id, kind, period_start, a.period_end, a.cap,
        a.base, a.used, amount,
        amount = 0 OR a.cap IS NULL OR a.used + amount <= a.cap AS has_room
    FROM accounts_quotaaccount a JOIN wanted USING (kind, period_start)
    WHERE a.tenant_id = %s AND a.period_start = ANY (%s::timestamptz[])
        AND (a.api_key_id IS NULL OR a.api_key_id = %s)
), verdict AS (
    SELECT 1 / (
        count(*) FILTER (WHERE api_key_id IS NULL) = %s AND bool_and(has_room)
    )::int AS passed
    FROM applicable
), taken AS (
    UPDATE accounts_quotaaccount a SET used = a.used + amount
    FROM applicable, verdict WHERE a.id = applicable.id AND amount > 0 AND passed = 1
    RETURNING a.id, amount
), held AS (
    INSERT INTO accounts_inflight AS kept (incarnation_id, account_id, amount)
    SELECT %s::uuid, id, amount FROM taken
    ON CONFLICT (incarnation_id, account_id)
        DO UPDATE SET amount = kept.amount + excluded.amount
)
SELECT id, tenant_id, api_key_id, kind, period_start, period_end, cap, base, used
FROM verdict LEFT JOIN applicable ON passed = 1
"""

GIVE_BACK = """
WITH settled AS (
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[])
        AS settled (id, unused, held)
), held AS (
    UPDATE accounts_inflight SET amount = settled.held
    FROM settled WHERE account_id = settled.id AND incarnation_id = %s::uuid
)
UPDATE accounts_quotaaccount a SET used = a.used - settled.unused
FROM settled WHERE a.id = settled.id AND settled.unused <> 0
"""


def make_accounts(tenant_ids: Collection[int], moment: datetime) -> None:
    """Make what tenants lack for the periods of a moment and the ones after them."""
    spans = [
        (kind, span)
        for kind in KINDS
        for span in (kind.span(moment), kind.next_span(moment))
        if span is not None
    ]
    parameters: dict[str, Any] = {
        "tenants": sorted(tenant_ids),
        "kinds": [kind.code for kind, _ in spans],
        "quantities": [kind.quantity.value for kind, _ in spans],
        "packs": [kind.is_pack for kind, _ in spans],
        "starts": [span.start for _, span in spans],
        "ends": [span.end for _, span in spans],
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SHARE_QUOTAS, [parameters["tenants"]])
        cursor.execute(MAKE, parameters)


def lock_accounts(
    script: Script, ids: Collection[int], asks: Sequence[Ask], *, now: datetime
) -> None:
    """Lock accounts by id, and all that apply to requests, until the transaction ends.

    Those of the present periods come along, to tell how quotas stand. The rows are for
    `accounts_of`.
    """
    minutes = {_minute(moment) for moment in (now, *(ask.occurred_at for ask in asks))}
    script.add(
        LOCK,
        list(ids),
        list({ask.tenant_id for ask in asks}),
        list({start for minute in minutes for start in _starts(minute)}),
        list({ask.api_key_id for ask in asks}),
    )


def accounts_of(
    rows: Iterable[tuple[Any, ...]], *, held: Mapping[int, int]
) -> list[Account]:
    """Locked accounts; those of kinds that this version does not know are left out."""
    return [_account(row, held) for row in rows if row[3] in BY_CODE]


def write_accounts(
    script: Script, changed: Sequence[Account], *, incarnation: UUID
) -> None:
    """Write what is used, and what is held by the incarnation, of locked accounts."""
    script.add(
        WRITE,
        [account.id for account in changed],
        [account.used for account in changed],
        [account.held for account in changed],
        incarnation,
    )


def take(script: Script, ask: Ask, *, incarnation: UUID) -> None:
    """Take what is asked from locked accounts, all or nothing, for the incarnation.

    The rows are for `accounts_of`. Divides by zero where one is missing or has no room.
    """
    spans = [(kind, kind.span(ask.occurred_at)) for kind in KINDS]
    script.add(
        TAKE,
        [kind.code for kind, _ in spans],
        [span.start for _, span in spans],
        [ask.amounts.of(kind.quantity) for kind, _ in spans],
        ask.tenant_id,
        list({span.start for _, span in spans}),
        ask.api_key_id,
        len(KINDS),
        incarnation,
    )


def give_back(
    script: Script,
    unused: Mapping[int, int],
    *,
    held: Mapping[int, int],
    incarnation: UUID,
) -> None:
    """Give back what was not used, of locked accounts; `held` is what still is."""
    script.add(
        GIVE_BACK,
        list(unused),
        list(unused.values()),
        [held[account_id] for account_id in unused],
        incarnation,
    )


@lru_cache(maxsize=16)
def _starts(minute: datetime) -> frozenset[datetime]:
    """Where the periods that hold a minute begin."""
    return frozenset(kind.span(minute).start for kind in KINDS)


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _account(row: tuple[Any, ...], held: Mapping[int, int]) -> Account:
    account_id, tenant_id, api_key_id, kind, start, end, cap, base, used = row
    return Account(
        id=account_id,
        tenant_id=tenant_id,
        api_key_id=api_key_id,
        kind=BY_CODE[kind],
        start=start,
        end=end,
        cap=cap,
        base=base,
        used=used,
        held=held.get(account_id, 0),
    )
