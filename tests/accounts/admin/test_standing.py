"""How quotas stand, on the pages of tenants and keys."""

import pytest
import time_machine
from django.db import models
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.metering import books
from accounts.models import ApiKey, Plan, Quota, QuotaAccount
from tests.factories import make_api_key, make_tenant
from tests.operators import SignIn

pytestmark = pytest.mark.django_db
travelled = time_machine.travel("2026-11-21T10:00:00Z", tick=False)


def standing(client: Client, holder: models.Model):
    meta = holder._meta
    page = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[holder.pk])
    rows = client.get(page).context["standing"]
    return rows and [
        (row.kind, row.source, row.used, row.limit, row.left, row.resets_at)
        for row in rows
    ]


@pytest.fixture
def api_key():
    """A key whose tenant has used 30 tokens today, with quotas from everywhere."""
    plan = Plan.objects.create(name="free")
    api_key = make_api_key(make_tenant("acme", plan=plan)).api_key
    Quota.objects.create(plan=plan, kind="money-month", amount=25 * 10**9)
    Quota.objects.create(tenant=api_key.tenant, kind="tpd", amount=1_000)
    Quota.objects.create(api_key=api_key, kind="tpd", amount=20)
    books.make_accounts([api_key.tenant_id], timezone.now())
    QuotaAccount.objects.filter(kind="tpd").update(cap=None)
    QuotaAccount.objects.filter(kind="tpd").update(used=30)
    for account in QuotaAccount.objects.filter(kind="tpd"):
        account.cap = 20 if account.api_key_id else 1_000
        account.save(update_fields=["cap"])
    return api_key


OF_TENANT = [
    ("Tokens per day", "Tenant", "30", "1,000", "970", "2026-11-22 00:00"),
    ("Money per month", "Plan", "0.00", "25.00", "25.00", "2026-12-01 00:00"),
]
OF_KEY = ("Tokens per day", "Key", "30", "20", "0", "2026-11-22 00:00")


@travelled
def test_a_tenants_page_shows_what_binds_it(root: Client, api_key: ApiKey):
    assert standing(root, api_key.tenant) == OF_TENANT


@travelled
def test_a_keys_page_shows_its_own_too(root: Client, api_key: ApiKey):
    assert standing(root, api_key) == [*OF_TENANT, OF_KEY]


@travelled
def test_others_are_not_shown(root: Client, api_key: ApiKey):
    assert standing(root, make_tenant()) == []


def test_who_may_not_see_quotas_sees_nothing(staff: SignIn, api_key: ApiKey):
    clerk = staff("accounts.view_tenant", "accounts.view_apikey")

    assert standing(clerk, api_key.tenant) is None
    assert standing(clerk, api_key) is None


def test_a_new_tenants_page_has_none(root: Client):
    page = root.get(reverse("admin:accounts_tenant_add"))

    assert "standing" not in page.context
