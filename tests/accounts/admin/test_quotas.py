"""Quotas on the pages of plans, tenants and keys."""

from typing import Any

import pytest
from auditlog.models import LogEntry
from django.db import connection, models
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.admin.quotas import written
from accounts.metering import books
from accounts.models import ApiKey, Plan, Quota, QuotaAccount, Tenant
from tests.factories import make_api_key, make_tenant
from tests.operators import SignIn

NO_GRANTS = {"model_grants-TOTAL_FORMS": 0, "model_grants-INITIAL_FORMS": 0}


def page_of(holder: models.Model) -> str:
    meta = holder._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[holder.pk])


def fields_of(holder: models.Model) -> dict[str, Any]:
    """What the page's own form is sent with, unchanged."""
    if isinstance(holder, Tenant):
        own = {"name": holder.name, "slug": holder.slug, "is_active": "on"}
        return own | NO_GRANTS
    if isinstance(holder, ApiKey):
        return {"name": holder.name, "scopes": holder.scopes}
    return {"name": str(holder)}


def send(client: Client, holder: models.Model, *quotas: dict[str, Any], new: int):
    """Send the page with quotas, the last `new` of which are added."""
    form: dict[str, Any] = fields_of(holder) | {
        "quotas-TOTAL_FORMS": len(quotas),
        "quotas-INITIAL_FORMS": len(quotas) - new,
    }
    for number, quota in enumerate(quotas):
        form |= {f"quotas-{number}-{name}": quota[name] for name in quota}
    return client.post(page_of(holder), form)


def caps(**account: Any) -> set[int | None]:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    accounts = QuotaAccount.objects.filter(**account)
    return set(accounts.values_list("cap", flat=True))


@pytest.fixture
def api_key(db: None) -> ApiKey:
    plan = Plan.objects.create(name="free")
    api_key = make_api_key(make_tenant("acme", plan=plan)).api_key
    books.make_accounts([api_key.tenant_id], timezone.now())
    return api_key


def test_a_tenants_quota_binds_at_once(root: Client, api_key: ApiKey):
    tenant = api_key.tenant

    page = send(root, tenant, {"kind": "tpd", "amount": "500k"}, new=1)
    assert page.status_code == 302, page.context["errors"]
    assert caps(kind="tpd") == {500_000}

    quota = Quota.objects.get()
    send(root, tenant, {"id": quota.pk, "amount": "7"}, new=0)
    assert caps(kind="tpd") == {7}

    send(root, tenant, {"id": quota.pk, "amount": "7", "DELETE": "on"}, new=0)
    assert caps(kind="tpd") == {None}
    assert LogEntry.objects.get_for_model(Quota).count() == 3


def test_a_keys_quota_binds_it_alone(root: Client, api_key: ApiKey):
    page = send(root, api_key, {"kind": "tpd", "amount": "9"}, new=1)

    assert page.status_code == 302, page.context["errors"]
    assert caps(kind="tpd", api_key=api_key) == {9}
    assert caps(kind="tpd", api_key=None) == {None}


def test_a_plan_is_added_with_its_quotas(root: Client):
    form = {"name": "free", "quotas-TOTAL_FORMS": 2, "quotas-INITIAL_FORMS": 0}
    form |= {"quotas-0-kind": "rpm", "quotas-0-amount": "0"}
    form |= {"quotas-1-kind": "money-month", "quotas-1-amount": "1,250.000000001"}

    root.post(reverse("admin:accounts_plan_add"), form)

    quotas = Plan.objects.get().quotas.values_list("kind", "amount")
    assert dict(quotas) == {"rpm": 0, "money-month": 1_250_000_000_001}


@pytest.mark.parametrize("amount", ["0.000000001", "1,250.50", "1,000,000,000.00"])
def test_money_goes_there_and_back_exactly(root: Client, api_key: ApiKey, amount):
    send(root, api_key.tenant, {"kind": "money-month", "amount": amount}, new=1)
    before = Quota.objects.get()

    assert f'value="{amount}"' in root.get(page_of(api_key.tenant)).content.decode()
    send(root, api_key.tenant, {"id": before.pk, "amount": amount}, new=0)

    after = Quota.objects.get()
    assert (after.amount, written(after)) == (before.amount, amount)


@pytest.mark.parametrize(
    ("quotas", "complaint"),
    [
        ([{"kind": "tpm", "amount": "many"}], "is not an amount; write it as 1500"),
        ([{"kind": "tpm", "amount": "-1"}], "is not an amount; write it as 1500"),
        ([{"kind": "tpm", "amount": ""}], "This field is required."),
        ([{"kind": "tph", "amount": "1"}], "tph is not one of the available choices."),
        (
            [{"kind": "money-month", "amount": "1e3"}],
            "is not an amount; write it as 25",
        ),
        ([{"kind": "tpm", "amount": "1" * 20}], "is the most."),
        ([{"kind": "tpm", "amount": "1"}] * 2, "There is a quota of this kind."),
        ([{"kind": "rpm", "amount": "1"}], "There is a quota of this kind."),
    ],
    ids=["word", "negative", "none", "kind", "money", "huge", "twice", "another"],
)
def test_what_is_no_quota_is_refused(root: Client, api_key: ApiKey, quotas, complaint):
    Quota.objects.create(tenant=api_key.tenant, kind="rpm", amount=5)

    page = send(root, api_key.tenant, *quotas, new=len(quotas))

    assert page.status_code == 200
    assert complaint in page.content.decode()
    assert Quota.objects.get().amount == 5


def test_one_quota_gives_way_to_another_of_its_kind(root: Client, api_key: ApiKey):
    old = Quota.objects.create(tenant=api_key.tenant, kind="rpm", amount=5)
    leaving = {"id": old.pk, "amount": "5", "DELETE": "on"}

    send(root, api_key.tenant, leaving, {"kind": "rpm", "amount": "6"}, new=1)

    assert Quota.objects.get().amount == 6


def test_a_quota_keeps_its_kind_and_its_holder(root: Client, api_key: ApiKey):
    quota = Quota.objects.create(tenant=api_key.tenant, kind="rpm", amount=5)
    forged = {"id": quota.pk, "amount": "6", "kind": "tpm"}

    send(root, api_key.tenant, forged, new=0)
    send(root, api_key.tenant, forged | {"tenant": make_tenant().pk}, new=0)

    quota.refresh_from_db()
    assert (quota.tenant, quota.kind, quota.amount) == (api_key.tenant, "rpm", 6)


def test_a_quota_of_somebody_else_is_not_reached(root: Client, api_key: ApiKey):
    foreign = Quota.objects.create(tenant=make_tenant(), kind="rpm", amount=5)

    send(root, api_key.tenant, {"id": foreign.pk, "amount": "6"}, new=0)

    foreign.refresh_from_db()
    assert foreign.amount == 5


@pytest.mark.parametrize(
    "held",
    [[], ["accounts.view_quota"], ["accounts.add_quota", "accounts.view_quota"]],
    ids=["nothing", "view", "add"],
)
def test_staff_change_no_quota_without_permission(staff: SignIn, api_key: ApiKey, held):
    quota = Quota.objects.create(tenant=api_key.tenant, kind="rpm", amount=5)
    clerk = staff("accounts.view_tenant", "accounts.change_tenant", *held)

    send(
        clerk,
        api_key.tenant,
        {"id": quota.pk, "amount": "6"},
        {"kind": "tpm", "amount": "7"},
        new=1,
    )

    assert list(Quota.objects.values_list("kind", "amount")) == [("rpm", 5)]


def test_staff_with_permission_change_quotas(staff: SignIn, api_key: ApiKey):
    quota = Quota.objects.create(tenant=api_key.tenant, kind="rpm", amount=5)
    clerk = staff("accounts.change_tenant", "accounts.change_quota")

    send(clerk, api_key.tenant, {"id": quota.pk, "amount": "6"}, new=0)

    quota.refresh_from_db()
    assert quota.amount == 6


def test_who_only_looks_sees_money_in_the_currency(staff: SignIn, api_key: ApiKey):
    Quota.objects.create(tenant=api_key.tenant, kind="money-month", amount=5 * 10**9)
    clerk = staff("accounts.view_tenant", "accounts.view_quota")

    page = clerk.get(page_of(api_key.tenant)).content.decode()

    assert "5.00" in page
    assert str(5 * 10**9) not in page
