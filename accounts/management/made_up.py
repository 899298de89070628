"""Made-up tenants, keys and usage events: as many as a platform has after years."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from accounts import partitions, rollups
from accounts.models import ApiKey, SealedMonth, Tenant

PREFIX = "made-up-"
#: Events per statement, and so per set of rows in the outbox.
BATCH = 200_000

TENANTS = """
INSERT INTO accounts_tenant (slug, name, is_active, created_at)
SELECT slug, slug, true, %(start)s
FROM (SELECT %(prefix)s || to_char(n, 'FM00000') AS slug
    FROM generate_series(1, %(tenants)s) AS n) AS wanted
WHERE NOT EXISTS (SELECT FROM accounts_tenant t WHERE lower(t.slug) = wanted.slug)
"""

#: Nobody knows their secrets: the digests are of nothing that was written down.
KEYS = """
INSERT INTO accounts_apikey (
    tenant_id, name, digest, prefix, last4, scopes, model_names, created_at
)
SELECT tenant.id, 'made up ' || n, sha256(gen_random_uuid()::text::bytea),
    'emb_live_' || substr(md5(tenant.id::text), 1, 4), substr(md5(n::text), 1, 4),
    ARRAY['embed', 'usage'], '{}', %(start)s
FROM accounts_tenant tenant CROSS JOIN generate_series(1, %(keys)s) AS n
WHERE starts_with(tenant.slug, %(prefix)s) AND NOT EXISTS (
    SELECT FROM accounts_apikey k WHERE k.tenant_id = tenant.id
)
"""

# A few tenants do most of it, each with a model that it prefers. In the order of time,
# as events really come: so the indexes grow at their ends.
EVENTS = """
INSERT INTO accounts_usageevent (
    event_id, occurred_at, kind, ref_event, tenant_id, api_key_id, model, wire, status,
    texts, tokens, truncated, latency_us, price_id, list_nanos, is_estimated
)
SELECT (lpad(to_hex(milliseconds >> 16), 8, '0') || '-'
        || lpad(to_hex(milliseconds & 65535), 4, '0') || '-7'
        || substr(gen_random_uuid()::text, 16))::uuid,
    occurred_at, kind, NULL, (%(tenant_ids)s::bigint[])[place],
    (%(key_ids)s::bigint[])[place],
    (ARRAY['made-up-small', 'made-up-large', 'made-up-sparse'])[
        1 + (place + (dice < 0.2)::int) %% 3],
    (ARRAY['openai', 'ollama', 'chroma', 'nugen'])[1 + place %% 4], status, texts,
    CASE WHEN status < 400 AND kind = 1 THEN tokens ELSE 0 END, 0,
    (2000 * exp(4 * dice))::bigint, NULL,
    CASE WHEN status < 400 AND kind = 1 THEN 20 * tokens ELSE 0 END, false
FROM (
    SELECT *, (extract(epoch FROM occurred_at) * 1000)::bigint AS milliseconds,
        CASE WHEN dice > 0.99 THEN 2 ELSE 1 END AS kind,
        CASE WHEN dice < 0.02 THEN 400 WHEN dice < 0.03 THEN 503 ELSE 200 END AS status,
        texts * (5 + (250 * dice)::bigint) AS tokens
    FROM (
        SELECT random() AS dice,
            1 + (power(random(), 3) * (%(places)s - 1))::int AS place,
            1 + (16 * power(random(), 2))::int AS texts,
            %(start)s::timestamptz + %(step)s * (n - random()) AS occurred_at
        FROM generate_series(1, %(rows)s) AS n
        OFFSET 0
    ) AS thrown
) AS event
"""


class SealedError(Exception):
    """A month that should be filled takes no more events; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """How much there is to make up, spread over the time from `start` to `end`."""

    rows: int
    tenants: int
    keys: int
    start: datetime
    end: datetime

    def batches(self, size: int) -> list["Filling"]:
        """The same in pieces of at most so many rows, one after the other."""
        step = (self.end - self.start) / self.rows
        return [
            Filling(
                rows=min(size, self.rows - first),
                tenants=self.tenants,
                keys=self.keys,
                start=self.start + first * step,
                end=self.start + min(first + size, self.rows) * step,
            )
            for first in range(0, self.rows, size)
        ]


def real_tenants() -> int:
    """How many tenants are not made up."""
    return Tenant.objects.exclude(slug__startswith=PREFIX).count()


def fill(
    filling: Filling, *, tell: Callable[[int], None], batch_rows: int = BATCH
) -> int:
    """Add the tenants and keys that are missing, and the events, and roll them up.

    Each batch is a statement, and what is there when it breaks off is sound. Calls
    `tell` with the events written so far; returns the rows taken out of the outbox.
    Raises `SealedError` before anything is written.
    """
    _prepare_months(filling)
    with connection.cursor() as cursor:
        facts: dict[str, Any] = {
            "prefix": PREFIX,
            "tenants": filling.tenants,
            "keys": filling.keys,
            "start": filling.start,
        }
        cursor.execute(TENANTS, facts)
        cursor.execute(KEYS, facts)
    owners = ApiKey.objects.filter(tenant__slug__startswith=PREFIX).order_by("id")
    pairs = list(owners.values_list("id", "tenant_id"))
    written = rolled_up = 0
    for batch in filling.batches(batch_rows):
        _write(batch, pairs)
        rolled_up += rollups.roll_up()
        written += batch.rows
        tell(written)
    with connection.cursor() as cursor:
        # Nobody else analyzes a partitioned table as a whole.
        cursor.execute("ANALYZE accounts_usageevent, accounts_usagehour")
    return rolled_up


def _prepare_months(filling: Filling) -> None:
    """Make the partitions; raises `SealedError`."""
    month, later = partitions.month_start(filling.start), 0
    sealed = SealedMonth.objects.filter(
        month__gte=month.date(), month__lt=filling.end.date()
    ).first()
    if sealed:
        raise SealedError(f"{sealed} is sealed and takes no more events.")
    while (start := partitions.month_start(month, later=later)) < filling.end:
        partitions.ensure_month(start)
        later += 1


def _write(batch: Filling, pairs: Sequence[tuple[int, int]]) -> None:
    """Insert the events of one batch, each of some key."""
    facts: dict[str, Any] = {
        "rows": batch.rows,
        "start": batch.start,
        "step": (batch.end - batch.start) / batch.rows,
        "places": len(pairs),
        "key_ids": [key_id for key_id, _ in pairs],
        "tenant_ids": [tenant_id for _, tenant_id in pairs],
    }
    with connection.cursor() as cursor:
        cursor.execute(EVENTS, facts)
