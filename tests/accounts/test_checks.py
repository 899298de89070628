"""The database's system checks."""

import pytest
from django.core.checks import run_checks
from django.db import connection
from django.utils import timezone

from accounts import partitions

pytestmark = pytest.mark.django_db

THIS_MONTH = partitions.partition_name(timezone.now())


def _found() -> dict[str, str]:
    messages = run_checks(databases=["default"])
    return {m.id: m.msg for m in messages if str(m.id).startswith("accounts.")}


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_migrated_database_passes():
    assert _found() == {}


@pytest.mark.parametrize("table", [partitions.LEDGER, THIS_MONTH], ids=str)
def test_a_ledger_that_may_be_changed_is_an_error(table):
    _execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")

    assert table in _found()["accounts.E001"]


def test_a_partition_that_may_be_truncated_is_an_error():
    partition = partitions.partition_name(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(partitions.STATEMENT_TRIGGERS, [partition, 33, 32])
        name = cursor.fetchone()[0]
    _execute(f"DROP TRIGGER {name} ON {partition}")

    assert partition in _found()["accounts.E001"]


@pytest.mark.parametrize("table", ["apikey", "quota", "quotaaccount", "price"])
def test_changes_that_reach_nobody_are_an_error(table):
    _execute(f"ALTER TABLE accounts_{table} DISABLE TRIGGER USER")

    assert f"accounts_{table} " in _found()["accounts.E002"]


def test_no_room_for_next_month_is_a_warning():
    name = partitions.partition_name(partitions.month_start(timezone.now(), later=1))
    _execute(f"ALTER TABLE {name} RENAME TO elsewhere")

    assert name in _found()["accounts.W001"]


def test_a_database_before_its_migrations_passes():
    _execute("ALTER TABLE accounts_usageevent RENAME TO elsewhere")

    assert _found() == {}
