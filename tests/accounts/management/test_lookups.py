"""Rows that commands name."""

import pytest
from django.core.management.base import CommandError

from accounts.management import lookups
from accounts.models import Plan
from accounts.quotas import BY_CODE
from tests.factories import make_tenant

pytestmark = pytest.mark.django_db


def test_names_are_found_whatever_their_case():
    tenant, plan = make_tenant("acme"), Plan.objects.create(name="Free")

    assert lookups.tenant_named("ACME") == tenant
    assert lookups.plan_named("free") == plan


@pytest.mark.parametrize(
    ("look_up", "sentence"),
    [
        (lambda: lookups.tenant_named("acme"), "There is no tenant 'acme'."),
        (lambda: lookups.plan_named("free"), "There is no plan 'free'."),
        (lambda: lookups.quota_kind("tph"), "There is no kind of quota 'tph'; "),
        (
            lambda: lookups.quota_amount("much", kind=BY_CODE["rpm"]),
            "'much' is not an amount; ",
        ),
    ],
    ids=["tenant", "plan", "kind", "amount"],
)
def test_what_there_is_not_is_one_sentence(look_up, sentence):
    with pytest.raises(CommandError) as refused:
        look_up()

    assert str(refused.value).startswith(sentence)
