"""The ledger's month partitions: made ahead of time, and on demand."""

from datetime import UTC, datetime

from django.db import OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone
from psycopg import sql
from psycopg.errors import LockNotAvailable

LEDGER = "accounts_usageevent"

#: Chosen at random; whoever makes partitions holds this advisory lock.
ADVISORY_LOCK = 7_402_118_553_019

#: Bits of `pg_trigger.tgtype`.
TRIGGER_PER_ROW = 1
TRIGGER_ON_TRUNCATE = 32

LIKE_LEDGER = """
CREATE TABLE {partition} (LIKE {ledger}
    INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES INCLUDING STORAGE)
"""

# An empty table is attached without a scan, and concurrent inserts into its sisters go
# on meanwhile; the parent's row triggers and foreign keys are cloned by this.
ATTACH = """
ALTER TABLE {ledger} ATTACH PARTITION {partition} FOR VALUES FROM ({start}) TO ({end})
"""

# Statement triggers are not cloned.
REFUSE_TRUNCATE = """
CREATE TRIGGER {trigger} BEFORE TRUNCATE ON {partition}
    FOR EACH STATEMENT EXECUTE FUNCTION {function}()
"""

# Not `to_regclass`: its negative answers are cached through the wait for the lock.
ATTACHED = """
SELECT EXISTS (SELECT FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
    WHERE inhparent = %s::regclass AND c.relname = %s)
"""

STATEMENT_TRIGGERS = """
SELECT t.tgname, n.nspname, p.proname
FROM pg_trigger t
JOIN pg_proc p ON p.oid = t.tgfoid
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE t.tgrelid = %s::regclass AND t.tgtype & %s = %s
"""


def month_start(moment: datetime, *, later: int = 0) -> datetime:
    """The first instant (UTC) of the month of `moment`, or of one `later` months on."""
    moment = moment.astimezone(UTC)
    years, month = divmod(moment.month - 1 + later, 12)
    return datetime(moment.year + years, month + 1, 1, tzinfo=UTC)


def partition_name(moment: datetime) -> str:
    """The table that holds the events of the month (UTC) of `moment`."""
    return f"{LEDGER}_{month_start(moment):%Y_%m}"


def ensure_month(moment: datetime) -> bool:
    """Make the partition for the month (UTC) of `moment`; says whether it was missing.

    Safe to call at the same time from anywhere; runs in a transaction of its own
    unless the caller has one open.
    """
    name = partition_name(moment)
    with transaction.atomic(), connection.cursor() as cursor:
        if _exists(cursor, name):
            return False
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        if _exists(cursor, name):
            return False
        _create(cursor, name, moment)
    return True


def has_month(moment: datetime) -> bool:
    """Whether there is a partition for the month (UTC) of `moment`."""
    with connection.cursor() as cursor:
        return _exists(cursor, partition_name(moment))


def ensure_ahead(months: int = 3, *, now: datetime | None = None) -> list[str]:
    """Make this month's partition and those of the next `months`; names the new ones.

    `now` is the present unless given.
    """
    moment = now or timezone.now()
    starts = [month_start(moment, later=later) for later in range(months + 1)]
    return [partition_name(start) for start in starts if ensure_month(start)]


def _exists(cursor: CursorWrapper, name: str) -> bool:
    """Whether the partition is there; it is made and attached in one transaction."""
    cursor.execute(ATTACHED, [LEDGER, name])
    return bool(cursor.fetchone()[0])


def _create(cursor: CursorWrapper, name: str, moment: datetime) -> None:
    """Create, attach and protect the partition for the month of `moment`."""
    # Attaching locks the tables that the foreign keys refer to; writers of those must
    # not queue up behind it for long.
    cursor.execute("SET LOCAL lock_timeout = '5s'")
    names = {"ledger": sql.Identifier(LEDGER), "partition": sql.Identifier(name)}
    start, end = month_start(moment), month_start(moment, later=1)
    _run(cursor, LIKE_LEDGER, **names)
    _run(
        cursor,
        ATTACH,
        **names,
        start=sql.Literal(start.isoformat()),
        end=sql.Literal(end.isoformat()),
    )
    cursor.execute(
        STATEMENT_TRIGGERS,
        [LEDGER, TRIGGER_PER_ROW | TRIGGER_ON_TRUNCATE, TRIGGER_ON_TRUNCATE],
    )
    for trigger, schema, function in cursor.fetchall():
        _run(
            cursor,
            REFUSE_TRUNCATE,
            **names,
            trigger=sql.Identifier(trigger),
            function=sql.Identifier(schema, function),
        )


def _run(cursor: CursorWrapper, template: str, **parts: sql.Composable) -> None:
    """Execute a statement made of quoted names and literals; it takes no parameters."""
    statement = sql.SQL(template).format(**parts)
    cursor.execute(statement.as_string())


def drop_old(*, keep_months: int, now: datetime | None = None) -> list[str]:
    """Drop sealed months but this one and the `keep_months` before it; their names.

    0 keeps all. The hours and the seals stay. A month that is not sealed stays too,
    and so does every one while the ledger is busy for long.
    """
    if not keep_months:
        return []
    oldest = month_start(now or timezone.now(), later=-keep_months)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT month FROM accounts_sealedmonth WHERE month < %s ORDER BY month",
            [oldest.date()],
        )
        months = [row[0] for row in cursor.fetchall()]
    starts = [datetime(day.year, day.month, 1, tzinfo=UTC) for day in months]
    return [partition_name(start) for start in starts if _drop(start)]


def _drop(start: datetime) -> bool:
    """Drop a month's partition in a transaction; whether it did."""
    name = partition_name(start)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            # Whoever writes to the ledger waits behind this.
            cursor.execute("SET LOCAL lock_timeout = '300ms'")
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
            if not _exists(cursor, name):
                return False
            _run(cursor, "DROP TABLE {partition}", partition=sql.Identifier(name))
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            return False
        raise
    return True
