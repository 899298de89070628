"""Clearing away what metering has no more use for."""

from django.db import connection, transaction

#: After its period, an account is kept for so long: minutes for late settlements,
#: days for people; months stay.
KEEP_MINUTES = "1 hour"
KEEP_DAYS = "62 days"
KEEP_LIVES = "7 days"

#: Rows that somebody has locked are left for another time.
CLEAR_ACCOUNTS = """
WITH old AS (
    SELECT a.id FROM accounts_quotaaccount a
    WHERE (
        a.period_end - a.period_start < interval '1 hour'
        AND a.period_end < clock_timestamp() - %(minutes)s::interval
        OR a.period_end - a.period_start < interval '25 hours'
        AND a.period_end < clock_timestamp() - %(days)s::interval
    ) AND NOT EXISTS (
        SELECT FROM accounts_inflight f WHERE f.account_id = a.id AND f.amount > 0
    )
    ORDER BY a.id FOR UPDATE SKIP LOCKED
), nothing_held AS (
    DELETE FROM accounts_inflight WHERE account_id IN (SELECT id FROM old)
)
DELETE FROM accounts_quotaaccount WHERE id IN (SELECT id FROM old)
"""

CLEAR_LIVES = """
DELETE FROM accounts_incarnation i
WHERE ended_at < clock_timestamp() - %(lives)s::interval
    AND NOT EXISTS (SELECT FROM accounts_inflight f WHERE f.incarnation_id = i.id)
"""

CLEAR_KEYS = "DELETE FROM accounts_idempotencykey WHERE expires_at < clock_timestamp()"


def clear_away() -> None:
    """Delete accounts of old periods, lives that ended, and idempotency keys."""
    parameters = {"minutes": KEEP_MINUTES, "days": KEEP_DAYS, "lives": KEEP_LIVES}
    with connection.cursor() as cursor:
        for statement in (CLEAR_ACCOUNTS, CLEAR_LIVES, CLEAR_KEYS):
            with transaction.atomic():
                cursor.execute(statement, parameters)
