"""set_plan."""

import pytest

from accounts.models import Plan
from tests.factories import make_tenant

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant():
    Plan.objects.create(name="Free")
    return make_tenant("acme")


def test_tenant_gets_a_plan(run, tenant):
    ended = run("set_plan", "ACME", "free", "--json")

    tenant.refresh_from_db()
    assert tenant.plan.name == "Free"
    assert ended.value == {"tenant": "acme", "plan": "Free"}


def test_tenant_loses_its_plan_however_often(run, tenant):
    run("set_plan", "acme", "free")

    ends = [run("set_plan", "acme", "--none") for _ in range(2)]

    tenant.refresh_from_db()
    assert tenant.plan is None
    assert [ended.out for ended in ends] == ["Tenant acme has no plan.\n"] * 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["acme"], "Name a plan, or say --none."),
        (["acme", "free", "--none"], "Name a plan, or say --none."),
        (["acme", "paid"], "There is no plan 'paid'."),
        (["nobody", "free"], "There is no tenant 'nobody'."),
    ],
    ids=["neither", "both", "plan", "tenant"],
)
def test_what_is_wrong_is_one_sentence(run, tenant, arguments, sentence):
    ended = run("set_plan", *arguments)

    assert (ended.code, ended.err) == (1, sentence + "\n")
    tenant.refresh_from_db()
    assert tenant.plan is None
