"""System checks of the database: the ledger refuses changes, and has room ahead.

Run by `check --database default`; a database that is not migrated yet passes.
"""

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from accounts import partitions
from accounts.models import UsageEvent

# Per table (the ledger and each partition): which of UPDATE, DELETE (bits 16 and 8 of
# a row trigger) and TRUNCATE (bit 32) an enabled trigger refuses.
UNGUARDED = """
SELECT c.relname
FROM pg_class c
LEFT JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgenabled IN ('O', 'A')
    AND t.tgtype & 2 = 2
WHERE c.oid = to_regclass(%(ledger)s) OR c.oid IN (
    SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass(%(ledger)s))
GROUP BY c.relname
HAVING coalesce(bit_or(t.tgtype) & 56, 0) <> 56
ORDER BY c.relname
"""

#: Tables whose triggers are declared, and are not there or do not fire.
WITHOUT_TRIGGER = """
SELECT DISTINCT wanted.name
FROM unnest(%s::text[], %s::text[]) AS wanted (name, trigger)
WHERE to_regclass(wanted.name) IS NOT NULL AND NOT EXISTS (
    SELECT FROM pg_trigger WHERE tgrelid = to_regclass(wanted.name)
    AND tgname = wanted.trigger AND tgenabled IN ('O', 'A'))
ORDER BY 1
"""


@register(Tags.database)
def check_tables(
    *, databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """What is wrong with the tables of each database asked for."""
    return [message for alias in databases or () for message in _check_database(alias)]


def _check_database(alias: str) -> list[CheckMessage]:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [partitions.LEDGER])
        if not cursor.fetchone()[0]:
            return []
        return [*_unguarded(cursor), *_without_triggers(cursor), *_no_room(cursor)]


def _unguarded(cursor: CursorWrapper) -> list[CheckMessage]:
    """E001 for every part of the ledger that could be changed."""
    cursor.execute(UNGUARDED, {"ledger": partitions.LEDGER})
    return [
        Error(
            f"The ledger's table {name} does not refuse UPDATE, DELETE and TRUNCATE.",
            hint="Find out who removed its triggers, and restore them.",
            obj=UsageEvent,
            id="accounts.E001",
        )
        for (name,) in cursor.fetchall()
    ]


def _without_triggers(cursor: CursorWrapper) -> list[CheckMessage]:
    """E002 for every table whose changes would not reach caches, quotas or sums."""
    wanted = [
        (model._meta.db_table, trigger.get_pgid(model))
        for model in apps.get_app_config("accounts").get_models()
        for trigger in getattr(model._meta, "triggers", [])
    ]
    cursor.execute(
        WITHOUT_TRIGGER, [[table for table, _ in wanted], [name for _, name in wanted]]
    )
    return [
        Error(
            f"{name} lacks a trigger: its changes would be missed, or not counted.",
            hint="Run `manage.py pgtrigger install`.",
            id="accounts.E002",
        )
        for (name,) in cursor.fetchall()
    ]


def _no_room(cursor: CursorWrapper) -> list[CheckMessage]:
    """W001 where next month has no partition: the daily task does not run."""
    name = partitions.partition_name(partitions.month_start(timezone.now(), later=1))
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [name])
    if cursor.fetchone()[0]:
        return []
    return [
        checks.Warning(
            f"The ledger has no partition {name} for next month.",
            hint="Is Celery's beat running? Partitions are made daily, and on demand.",
            obj=UsageEvent,
            id="accounts.W001",
        )
    ]
