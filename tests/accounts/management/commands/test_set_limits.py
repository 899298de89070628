"""set_limits."""

import pytest

from accounts.models import Plan
from tests.factories import make_tenant

pytestmark = pytest.mark.django_db


def test_a_tenants_limits_are_set_and_the_others_stay(run):
    tenant = make_tenant("acme", max_texts=5)

    ended = run("set_limits", "--tenant", "acme", "--weight", "2", "--json")

    tenant.refresh_from_db()
    assert (tenant.weight, tenant.max_texts) == (2.0, 5)
    assert ended.value == {
        "tenant": "acme",
        "weight": 2.0,
        "max_texts": 5,
        "keep_alive_max_s": None,
    }


def test_a_plans_limit_is_taken_away(run):
    plan = Plan.objects.create(name="free", max_texts=5)

    ended = run("set_limits", "--plan", "free", "--max-texts", "none")

    plan.refresh_from_db()
    assert plan.max_texts is None
    assert (
        ended.out == "plan free: weight none, max_texts none, keep_alive_max_s none.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--plan", "free"], "Give at least one limit."),
        (["--plan", "paid", "--weight", "1"], "There is no plan 'paid'."),
        (["--tenant", "acme", "--weight", "1"], "There is no tenant 'acme'."),
        (["--plan", "free", "--weight", "101"], "A weight is between 0.01 and 100."),
    ],
    ids=["nothing", "plan", "tenant", "range"],
)
def test_what_is_wrong_is_one_sentence(run, arguments, sentence):
    Plan.objects.create(name="free")

    ended = run("set_limits", *arguments)

    assert (ended.code, ended.err) == (1, sentence + "\n")
