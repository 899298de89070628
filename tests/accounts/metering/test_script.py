"""Several statements in one round trip."""

import pytest
from django.db import DataError, connection, transaction

from accounts.metering.script import Script, roll_back
from accounts.models import Plan


def script(*statements):
    made = Script()
    for statement in statements:
        made.add(*statement)
    return made


ADD = "INSERT INTO accounts_plan (name, created_at) VALUES (%s, now())"


@pytest.mark.django_db
def test_each_statement_gives_its_rows():
    made = script(("SELECT %s::int, %s", 1, "a"), (ADD, "small"), ("SELECT 2",))

    assert made.run() == [[(1, "a")], [], [(2,)]]


@pytest.mark.django_db(transaction=True)
def test_a_transaction_may_span_scripts():
    first = Script()
    first.begin()
    first.add(ADD, "small")
    first.run()
    second = script((ADD, "large"))
    second.commit()
    second.add("SELECT count(*) FROM accounts_plan")

    assert second.run()[-1] == [(2,)]
    assert not connection.in_atomic_block


@pytest.mark.parametrize("is_inside", [True, False], ids=["inside", "alone"])
@pytest.mark.django_db(transaction=True)
def test_what_fails_leaves_nothing(is_inside):
    def fail():
        made = Script()
        made.begin()
        made.add(ADD, "small")
        made.add("SELECT 1 / 0")
        made.commit()
        try:
            made.run()
        finally:
            roll_back()

    if is_inside:
        with transaction.atomic(), pytest.raises(DataError, match="division"):
            fail()
    else:
        with pytest.raises(DataError, match="division"):
            fail()

    assert not Plan.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_rolling_back_on_a_lost_connection_is_no_error():
    first = Script()
    first.begin()
    first.add("SELECT 1")
    first.run()
    connection.connection.close()

    roll_back()

    assert Plan.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_statement_is_prepared_once_for_each_connection():
    for number in (1, 2):
        script(("SELECT %s::int + 1", number), ("SELECT %s::int + 1", 5)).run()
    connection.close()

    assert script(("SELECT %s::int + 1", 3)).run() == [[(4,)]]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans + custom_plans FROM pg_prepared_statements"
        )
        assert cursor.fetchall() == [(1,)]
