"""What binds a key, and what is left of it."""

import pytest
from django.db import connection
from django.utils import timezone

from accounts.allowances import allowances_of
from accounts.metering import Ask, Usage
from accounts.models import Plan, Quota, QuotaAccount
from accounts.quotas import Amounts
from tests.factories import make_api_key, make_tenant
from tests.inline_meter import InlineMeter

pytestmark = pytest.mark.django_db


@pytest.fixture
def api_key():
    return make_api_key().api_key


def of(api_key):
    found = allowances_of(
        tenant_id=api_key.tenant_id, api_key_id=api_key.pk, now=timezone.now()
    )
    return {(one.kind.code, one.is_of_key): one for one in found}


def figures(one):
    return one.limit, one.used, one.remaining


def embed(api_key, *, tokens):
    usage = Usage(
        tenant_id=api_key.tenant_id,
        api_key_id=api_key.pk,
        model="all-minilm",
        wire="chroma",
        status=200,
        texts=1,
        tokens=tokens,
        occurred_at=timezone.now(),
        latency_us=900,
    )
    meter = InlineMeter()
    ask = Ask(
        tenant_id=usage.tenant_id,
        api_key_id=usage.api_key_id,
        model=usage.model,
        amounts=Amounts(requests=1, tokens=tokens, concurrent=1),
        occurred_at=usage.occurred_at,
    )
    meter.settle(meter.admit(ask), usage)


def apply_quotas():
    """Let the triggers of the test's transaction run now."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def test_nothing_binds_without_quotas(api_key):
    embed(api_key, tokens=7)

    assert of(api_key) == {}


def test_quotas_stand_before_anything_was_used(api_key):
    plan = Plan.objects.create(name="Small")
    Quota.objects.create(plan=plan, kind="tokens-month", amount=100)
    Quota.objects.create(plan=plan, kind="rpd", amount=9)
    Quota.objects.create(tenant=api_key.tenant, kind="rpd", amount=5)
    Quota.objects.create(api_key=api_key, kind="tpm", amount=50)
    api_key.tenant.plan = plan
    api_key.tenant.save()

    found = of(api_key)

    assert {key: figures(one) for key, one in found.items()} == {
        ("rpd", False): (5, 0, 5),
        ("tokens-month", False): (100, 0, 100),
        ("tpm", True): (50, 0, 50),
    }
    assert QuotaAccount.objects.count() == 0


def test_what_was_used_is_told(api_key):
    Quota.objects.create(tenant=api_key.tenant, kind="tokens-month", amount=100)
    Quota.objects.create(api_key=api_key, kind="tokens-month", amount=10)

    embed(api_key, tokens=7)

    found = of(api_key)
    assert figures(found["tokens-month", False]) == (100, 7, 93)
    assert figures(found["tokens-month", True]) == (10, 7, 3)
    resets_at = found["tokens-month", True].resets_at
    assert (resets_at.day, resets_at.hour, resets_at > timezone.now()) == (1, 0, True)


def test_quota_below_what_is_used_leaves_nothing(api_key):
    embed(api_key, tokens=7)
    Quota.objects.create(tenant=api_key.tenant, kind="tokens-month", amount=5)
    apply_quotas()

    assert figures(of(api_key)["tokens-month", False]) == (5, 7, 0)


def test_pack_counts_from_when_it_was_bought(api_key):
    embed(api_key, tokens=7)
    Quota.objects.create(tenant=api_key.tenant, kind="tokens-prepaid", amount=20)
    apply_quotas()
    embed(api_key, tokens=4)

    found = of(api_key)["tokens-prepaid", False]
    assert figures(found) == (20, 4, 16)
    assert found.resets_at is None


def test_usage_without_accounts_is_read_from_the_ledger(api_key):
    embed(api_key, tokens=7)
    QuotaAccount.objects.filter(kind="tokens-month").delete()
    Quota.objects.create(tenant=api_key.tenant, kind="tokens-month", amount=20)

    assert figures(of(api_key)["tokens-month", False]) == (20, 7, 13)


def test_others_quotas_do_not_bind(api_key):
    Quota.objects.create(tenant=make_tenant(), kind="rpm", amount=1)
    Quota.objects.create(
        api_key=make_api_key(api_key.tenant).api_key, kind="rpm", amount=1
    )

    assert of(api_key) == {}
