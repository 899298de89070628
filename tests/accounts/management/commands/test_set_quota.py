"""set_quota."""

import pytest
from django.db import connection
from django.utils import timezone

from accounts.metering import books
from accounts.models import Plan, Quota, QuotaAccount
from tests.factories import make_api_key, make_tenant

pytestmark = pytest.mark.django_db


@pytest.fixture
def api_key():
    plan = Plan.objects.create(name="free")
    return make_api_key(make_tenant("acme", plan=plan)).api_key


@pytest.mark.parametrize("whose", ["plan", "tenant", "api_key"])
def test_quota_is_set_changed_and_taken_away(run, api_key, whose):
    options = {
        "plan": ("--plan", "FREE"),
        "tenant": ("--tenant", "ACME"),
        "api_key": ("--key", str(api_key.pk)),
    }
    shown = {"plan": "free", "tenant": "acme", "api_key": api_key.pk}[whose]

    def amounts():
        held = Quota.objects.filter(**{f"{whose}__isnull": False})
        return list(held.values_list("kind", "amount"))

    ended = run("set_quota", *options[whose], "tpm", "500k", "--json")
    assert ended.value == {whose: shown, "kind": "tpm", "amount": 500_000}
    assert amounts() == [("tpm", 500_000)]

    run("set_quota", *options[whose], "tpm", "0")
    assert amounts() == [("tpm", 0)]

    for _ in range(2):
        ended = run("set_quota", *options[whose], "tpm", "--none", "--json")
        assert ended.value == {whose: shown, "kind": "tpm", "amount": None}
        assert amounts() == []


def test_money_is_exact(run, api_key):
    ended = run("set_quota", "--tenant", "acme", "money-month", "0.123456789", "--json")

    assert Quota.objects.get().amount == 123_456_789
    assert ended.value["amount"] == "0.123456789"


def test_quota_binds_what_counts_now(run, api_key):
    books.make_accounts([api_key.tenant_id], timezone.now())

    run("set_quota", "--tenant", "acme", "tpd", "1_000")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    caps = QuotaAccount.objects.filter(kind="tpd").values_list("cap", flat=True)
    assert set(caps) == {1_000}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--tenant", "acme", "tpm"], "Give an amount, or say --none."),
        (["--tenant", "acme", "tpm", "1", "--none"], "Give an amount, or say --none."),
        (["--tenant", "acme", "tph", "1"], "There is no kind of quota 'tph'; there "),
        (["--tenant", "acme", "tpm", "much"], "'much' is not an amount; "),
        (["--tenant", "nobody", "tpm", "1"], "There is no tenant 'nobody'."),
        (["--plan", "paid", "tpm", "1"], "There is no plan 'paid'."),
        (["--key", "123456789", "tpm", "1"], "There is no such key."),
    ],
    ids=["neither", "both", "kind", "amount", "tenant", "plan", "key"],
)
def test_what_is_wrong_is_one_sentence(run, api_key, arguments, sentence):
    ended = run("set_quota", *arguments)

    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert ended.err.startswith(sentence)
    assert not Quota.objects.exists()
