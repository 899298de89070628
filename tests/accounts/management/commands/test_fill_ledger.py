"""fill_ledger."""

import pytest

from accounts.models import Tenant, UsageEvent, UsageHour
from tests.factories import make_tenant

pytestmark = pytest.mark.django_db

FEW = ("--tenants", "2", "--months", "1")


def test_it_writes_and_rolls_up(run):
    ended = run("fill_ledger", "--rows", "100", *FEW, "--json")

    assert ended.code == 0
    assert (ended.value["rows"], UsageEvent.objects.count()) == (100, 100)
    assert sum(UsageHour.objects.values_list("requests", flat=True)) == 100


def test_it_tells_a_person(run):
    ended = run("fill_ledger", "--rows", "1k", *FEW)

    assert ended.out.startswith("Wrote 1,000 events in ")


def test_real_tenants_are_not_mixed_with_made_up_ones(run):
    make_tenant("acme")

    ended = run("fill_ledger", "--rows", "100", *FEW)

    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert "events are never deleted" in ended.err
    assert Tenant.objects.count() == 1


def test_unless_that_is_wanted(run):
    make_tenant("acme")

    ended = run("fill_ledger", "--rows", "10", *FEW, "--yes-to-a-database-with-tenants")

    assert (ended.code, UsageEvent.objects.count()) == (0, 10)


@pytest.mark.parametrize("rows", ["0", "-1", "many", "1.5M", "1G", "", "٣"])
def test_what_is_no_number_of_rows_is_refused(run, rows):
    ended = run("fill_ledger", f"--rows={rows}")

    assert ended.code == 2
    assert "is no number like 500K or 10M" in ended.err


@pytest.mark.parametrize("option", ["--tenants", "--keys", "--months"])
@pytest.mark.parametrize("value", ["0", "1000000", "x"])
def test_numbers_have_bounds(run, option, value):
    ended = run("fill_ledger", "--rows", "1", option, value)

    assert ended.code == 2
    assert "is no number from 1 to" in ended.err
