"""Rolling the outbox up into hours: exactly once, whoever does it and dies of it."""

from django.db import connection

#: Outbox rows per transaction.
BATCH = 5000

KEY = ("hour", "tenant_id", "api_key_id", "model")
SUMS = (
    "requests",
    "failures",
    "replays",
    "refusals",
    "texts",
    "tokens",
    "truncated",
    "list_nanos",
)


def _roll_up_statement() -> str:
    """Takes rows out of the outbox and adds them up, all in one statement."""
    key = ", ".join(KEY)
    sums = ", ".join(SUMS)
    added = ", ".join(f"sum({name})::bigint AS {name}" for name in SUMS)
    merged = ", ".join(f"{name} = kept.{name} + excluded.{name}" for name in SUMS)
    # Sorted, so that two who roll up at once lock the hours in one order.
    return f"""
WITH taken AS (
    DELETE FROM accounts_usagedelta WHERE id IN (
        SELECT id FROM accounts_usagedelta ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
    ) RETURNING *
), added AS (
    INSERT INTO accounts_usagehour AS kept ({key}, {sums}, latency)
    SELECT {key}, {added}, accounts_sum_histograms(latency)
    FROM taken GROUP BY {key} ORDER BY {key}
    ON CONFLICT ({key}) DO UPDATE SET {merged},
        latency = accounts_add_histograms(kept.latency, excluded.latency)
)
SELECT count(*) FROM taken
"""  # noqa: S608 -- made of this module's own names


ROLL_UP = _roll_up_statement()


def roll_up() -> int:
    """Move what the outbox holds now into the hours; how many rows it was.

    Each batch is a transaction of its own: a row leaves the outbox with the commit
    that adds it, and one that another process holds is left to that process.
    """
    moved = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(ROLL_UP, [BATCH])
            count: int = cursor.fetchone()[0]
        moved += count
        if count < BATCH:
            return moved
