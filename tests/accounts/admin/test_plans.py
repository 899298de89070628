"""Plans in the admin."""

import pytest
from auditlog.models import LogEntry
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Plan, Quota
from tests.factories import make_tenant
from tests.operators import SignIn

LIST = reverse("admin:accounts_plan_changelist")
NO_QUOTAS = {"quotas-TOTAL_FORMS": 0, "quotas-INITIAL_FORMS": 0}


def page_of(plan, page="change"):
    return reverse(f"admin:accounts_plan_{page}", args=[plan.pk])


def test_the_list_tells_what_a_plan_grants_and_to_how_many(root: Client):
    plan = Plan.objects.create(name="free", weight=0.5, max_texts=1_024)
    Quota.objects.create(plan=plan, kind="tpm", amount=500_000)
    Quota.objects.create(plan=plan, kind="money-month", amount=25 * 10**9)
    make_tenant(plan=plan)
    make_tenant(plan=plan)

    response = root.get(LIST)

    [row] = response.context["cl"].result_list
    assert row.holders == 2
    for text in ("money-month 25.00, tpm 500,000", "0.5", "1,024"):
        assert text in response.content.decode()


def test_the_list_costs_the_same_for_any_number(
    root: Client, django_assert_num_queries: DjangoAssertNumQueries
):
    for number in range(20):
        plan = Plan.objects.create(name=f"plan {number}")
        Quota.objects.create(plan=plan, kind="tpm", amount=1)
        make_tenant(plan=plan)

    with django_assert_num_queries(6):
        root.get(LIST)


def test_a_change_is_audited(root: Client):
    plan = Plan.objects.create(name="free")

    root.post(page_of(plan), {"name": "free", "weight": "2"} | NO_QUOTAS)

    entry = LogEntry.objects.get_for_object(plan).latest("id")
    assert entry.changes == {"weight": ["None", "2.0"]}


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"name": "FREE"}, "A plan with this name exists."),
        ({"name": "x", "weight": "0"}, "A weight is between 0.01 and 100."),
        ({"name": "x", "weight": "nan"}, "Enter a number."),
        ({"name": "x", "max_texts": "-1"}, "A number of texts is 0 or more."),
    ],
    ids=["taken", "weight", "nan", "texts"],
)
def test_a_wrong_plan_is_refused_with_a_reason(root: Client, fields, complaint):
    Plan.objects.create(name="free")

    page = root.post(reverse("admin:accounts_plan_add"), fields | NO_QUOTAS)

    assert complaint in page.content.decode()
    assert Plan.objects.count() == 1


@pytest.mark.parametrize(("has_tenant", "stays"), [(True, True), (False, False)])
def test_a_plan_that_tenants_have_stays(root: Client, has_tenant, stays):
    plan = Plan.objects.create(name="free")
    if has_tenant:
        make_tenant(plan=plan)

    root.post(page_of(plan, "delete"), {"post": "yes"})

    assert Plan.objects.filter(pk=plan.pk).exists() is stays


def test_viewers_change_nothing(staff: SignIn):
    plan = Plan.objects.create(name="free")
    clerk = staff("accounts.view_plan")

    assert clerk.get(page_of(plan)).status_code == 200
    assert clerk.post(page_of(plan), {"name": "x"} | NO_QUOTAS).status_code == 403
