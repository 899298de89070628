"""The accounts in the database."""

import uuid
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection

from accounts import partitions
from accounts.metering import Ask, books, incarnations, ledger
from accounts.metering.script import Script
from accounts.models import InFlight, Quota, QuotaAccount
from accounts.quotas import KINDS, Amounts
from tests.factories import make_api_key, make_tenant

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)


def ask(api_key, *, at=NOON):
    return Ask(
        tenant_id=api_key.tenant_id,
        api_key_id=api_key.pk,
        model="m",
        amounts=Amounts(requests=1),
        occurred_at=at,
    )


def lock(api_key):
    script = Script()
    books.lock_accounts(script, [], [ask(api_key)], now=NOON)
    return books.accounts_of(*script.run(), held={})


def write(accounts, incarnation):
    script = Script()
    books.write_accounts(script, accounts, incarnation=incarnation)
    script.run()


def test_accounts_are_made_for_this_period_and_the_next_once():
    tenant = make_tenant()

    books.make_accounts([tenant.pk], NOON)
    books.make_accounts([tenant.pk], NOON)

    minutes = QuotaAccount.objects.filter(kind="tpm").order_by("period_start")
    starts = list(minutes.values_list("period_start", flat=True))
    assert starts == [NOON.replace(second=0), NOON.replace(minute=1, second=0)]
    packs = QuotaAccount.objects.filter(kind="tokens-prepaid")
    assert [(pack.is_pack, pack.period_end) for pack in packs] == [(True, None)]
    assert set(QuotaAccount.objects.values_list("kind", flat=True)) == {
        kind.code for kind in KINDS
    }


def test_a_plan_may_have_more_tenants_than_the_server_has_locks():
    with connection.cursor() as cursor:
        cursor.execute("SELECT accounts_recap(ARRAY(SELECT generate_series(1, 50000)))")
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
            " AND pid = pg_backend_pid()"
        )
        assert cursor.fetchone() == (512,)


def test_an_account_begins_with_what_the_ledger_has(make_usage):
    """As when usage was recorded before there were accounts."""
    usages = [
        make_usage(tokens=5, list_nanos=50, occurred_at=NOON),
        make_usage(tokens=3, occurred_at=NOON.replace(minute=59)),
        make_usage(tokens=0, status=500, occurred_at=NOON),
        make_usage(tokens=9, occurred_at=NOON.replace(day=20)),
        make_usage(tokens=70, occurred_at=NOON.replace(month=10)),
    ]
    partitions.ensure_month(NOON.replace(month=10))
    ledger.record(usages)
    ledger.correct([usages[1]])

    books.make_accounts([usages[0].tenant_id], NOON)

    start = {kind.code: kind.span(NOON).start for kind in KINDS}
    used = {
        account.kind: account.used
        for account in QuotaAccount.objects.all()
        if account.period_start == start[account.kind]
    }
    assert used == {
        "rpm": 1,
        "tpm": 5,
        "rpd": 1,
        "tpd": 5,
        "requests-month": 2,
        "tokens-month": 14,
        "money-month": 50,
        "tokens-prepaid": 84,
        "concurrent": 0,
    }


def test_locking_finds_what_applies_and_nothing_else():
    api_key, other = make_api_key().api_key, make_api_key().api_key
    sister = make_api_key(api_key.tenant).api_key
    for key in (api_key, other, sister):
        Quota.objects.create(api_key=key, kind="tpd", amount=1)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    books.make_accounts([api_key.tenant_id, other.tenant_id], NOON)

    found = lock(api_key)

    assert len(found) == len(KINDS) + 1
    assert {one.api_key_id for one in found} == {None, api_key.pk}
    assert {one.tenant_id for one in found} == {api_key.tenant_id}
    assert [one.id for one in found] == sorted(one.id for one in found)


def test_a_kind_of_a_later_version_is_left_alone():
    api_key = make_api_key().api_key
    books.make_accounts([api_key.tenant_id], NOON)
    QuotaAccount.objects.filter(kind="rpm").update(kind="of-tomorrow")

    found = lock(api_key)

    assert "of-tomorrow" not in {one.kind.code for one in found}


def test_what_is_written_is_used_and_held():
    api_key = make_api_key().api_key
    books.make_accounts([api_key.tenant_id], NOON)
    incarnation = incarnations.begin()
    accounts = lock(api_key)

    for amount in (5, 0):
        accounts[0].used = accounts[0].held = amount
        write(accounts[:1], incarnation)
        row = InFlight.objects.get()
        assert (row.amount, row.account.used) == (amount, amount)


def test_an_unknown_incarnation_may_hold_nothing():
    api_key = make_api_key().api_key
    books.make_accounts([api_key.tenant_id], NOON)
    accounts = lock(api_key)
    accounts[0].held = 1

    write(accounts, uuid.uuid4())
    with pytest.raises(IntegrityError, match="incarnation"), connection.cursor() as now:
        now.execute("SET CONSTRAINTS ALL IMMEDIATE")
