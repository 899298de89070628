"""Quotas, and how they reach the accounts."""

import threading

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.metering import books
from accounts.models import Plan, Quota, QuotaAccount
from tests.factories import make_api_key, make_tenant

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tenant():
    tenant = make_tenant()
    books.make_accounts([tenant.pk], timezone.now())
    return tenant


def caps(tenant, kind, **key):
    """Bounds of now and of what comes after, which are the same."""
    found = QuotaAccount.objects.filter(
        tenant=tenant, kind=kind, **key or {"api_key": None}
    )
    return set(found.values_list("cap", flat=True))


def test_a_quota_binds_what_counts_now_and_next(tenant):
    quota = Quota.objects.create(tenant=tenant, kind="tpd", amount=10)
    assert caps(tenant, "tpd") == {10}

    quota.amount = 7
    quota.save()
    assert caps(tenant, "tpd") == {7}

    quota.delete()
    assert caps(tenant, "tpd") == {None}


def test_a_period_that_is_over_keeps_its_bound(tenant):
    Quota.objects.create(tenant=tenant, kind="tpd", amount=10)
    first = QuotaAccount.objects.filter(kind="tpd").first()
    QuotaAccount.objects.filter(pk=first.pk).update(
        period_start="2026-01-01T00:00Z", period_end="2026-01-02T00:00Z"
    )

    Quota.objects.update(amount=3)

    assert caps(tenant, "tpd") == {10, 3}


def test_a_tenants_own_replaces_its_plans(tenant):
    plan = Plan.objects.create(name="small")
    Quota.objects.create(plan=plan, kind="tpd", amount=10)
    Quota.objects.create(plan=plan, kind="rpm", amount=2)

    tenant.plan = plan
    tenant.save()
    assert (caps(tenant, "tpd"), caps(tenant, "rpm")) == ({10}, {2})

    own = Quota.objects.create(tenant=tenant, kind="tpd", amount=50)
    assert (caps(tenant, "tpd"), caps(tenant, "rpm")) == ({50}, {2})

    own.delete()
    assert caps(tenant, "tpd") == {10}

    tenant.plan = None
    tenant.save()
    assert (caps(tenant, "tpd"), caps(tenant, "rpm")) == ({None}, {None})


def test_a_plans_quota_reaches_all_its_tenants_and_nobody_else(tenant):
    plan = Plan.objects.create(name="small")
    others = [make_tenant(plan=plan) for _ in range(2)]
    books.make_accounts([other.pk for other in others], timezone.now())

    Quota.objects.create(plan=plan, kind="rpd", amount=5)

    assert [caps(other, "rpd") for other in others] == [{5}, {5}]
    assert caps(tenant, "rpd") == {None}


def test_accounts_are_born_with_what_binds_them():
    plan = Plan.objects.create(name="small")
    tenant = make_tenant(plan=plan)
    api_key = make_api_key(tenant).api_key
    Quota.objects.create(plan=plan, kind="rpd", amount=5)
    Quota.objects.create(api_key=api_key, kind="tpm", amount=6)

    books.make_accounts([tenant.pk], timezone.now())

    assert caps(tenant, "rpd") == {5}
    assert caps(tenant, "tpm", api_key=api_key) == {6}
    assert not caps(tenant, "rpd", api_key=api_key)


def test_a_keys_quota_makes_its_accounts_at_once(tenant):
    api_key = make_api_key(tenant).api_key

    quota = Quota.objects.create(api_key=api_key, kind="tpd", amount=6)
    assert caps(tenant, "tpd", api_key=api_key) == {6}
    assert caps(tenant, "tpd") == {None}

    quota.delete()
    assert caps(tenant, "tpd", api_key=api_key) == {None}


def test_a_pack_begins_when_it_is_bought_and_goes_on_when_there_is_more(tenant):
    QuotaAccount.objects.filter(kind="tokens-prepaid").update(used=100)

    pack = Quota.objects.create(tenant=tenant, kind="tokens-prepaid", amount=10)
    assert caps(tenant, "tokens-prepaid") == {110}

    QuotaAccount.objects.filter(kind="tokens-prepaid").update(used=105)
    pack.amount = 15
    pack.save()
    assert caps(tenant, "tokens-prepaid") == {115}

    pack.delete()
    Quota.objects.create(tenant=tenant, kind="tokens-prepaid", amount=10)
    assert caps(tenant, "tokens-prepaid") == {115}


def test_a_bound_below_what_is_used_stands(tenant):
    QuotaAccount.objects.filter(kind="tpd").update(used=100)

    Quota.objects.create(tenant=tenant, kind="tpd", amount=10)

    assert caps(tenant, "tpd") == {10}


def test_the_database_itself_refuses_an_overshoot(tenant):
    Quota.objects.create(tenant=tenant, kind="tpd", amount=10)
    account = QuotaAccount.objects.filter(kind="tpd").first()

    QuotaAccount.objects.filter(pk=account.pk).update(used=10)
    with pytest.raises(IntegrityError, match="overshot"):
        QuotaAccount.objects.filter(pk=account.pk).update(used=11)

    Quota.objects.update(amount=3)
    QuotaAccount.objects.filter(pk=account.pk).update(used=9)


def test_no_account_is_born_beside_a_change_with_a_stale_bound(tenant):
    """Accounts are made while a quota's change has fired but is not committed."""
    other = make_tenant()
    made = threading.Event()

    def make():
        try:
            books.make_accounts([other.pk], timezone.now())
        finally:
            made.set()
            connection.close()

    maker = threading.Thread(target=make)
    with transaction.atomic(), connection.cursor() as cursor:
        Quota.objects.create(tenant=other, kind="tpd", amount=10)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        maker.start()
        assert not made.wait(0.3)
    maker.join(5)

    assert caps(other, "tpd") == {10}


def test_one_of_a_kind_for_one_holder_and_only_one_holder(tenant):
    Quota.objects.create(tenant=tenant, kind="tpd", amount=10)

    with pytest.raises(IntegrityError, match="quota_unique"):
        Quota.objects.create(tenant=tenant, kind="tpd", amount=11)
    with pytest.raises(IntegrityError, match="one_holder"):
        Quota.objects.create(kind="tpd", amount=11)
    with pytest.raises(IntegrityError, match="not_negative"):
        Quota.objects.create(tenant=tenant, kind="rpd", amount=-1)
    with pytest.raises(ValidationError):
        Quota.objects.create(tenant=tenant, kind="per-moon", amount=1)
