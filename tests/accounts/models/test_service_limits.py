"""Bounds of what a plan or a tenant may be granted."""

import pytest
from django.db import IntegrityError

from accounts.models import Plan
from tests.factories import make_tenant

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("field", "value"),
    [("weight", 0), ("weight", 101), ("max_texts", -1), ("keep_alive_max_s", -1)],
)
@pytest.mark.parametrize("make", [Plan.objects.create, make_tenant])
def test_what_makes_no_sense_is_refused(make, field, value):
    with pytest.raises(IntegrityError):
        make(name="small", **{field: value})


def test_nothing_has_to_be_set():
    assert Plan.objects.create(name="small").weight is None
