"""Plans."""

import pytest
from django.db import IntegrityError
from django.db.models import ProtectedError

from accounts.models import Plan
from tests.factories import make_tenant

pytestmark = pytest.mark.django_db


def test_names_are_unique_whatever_their_case():
    Plan.objects.create(name="Small")

    with pytest.raises(IntegrityError, match="plan_name_unique"):
        Plan.objects.create(name="small")


def test_a_plan_with_tenants_stays():
    plan = Plan.objects.create(name="small")
    make_tenant(plan=plan)

    with pytest.raises(ProtectedError):
        plan.delete()
