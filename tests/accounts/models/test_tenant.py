"""Tenants."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from accounts.models import Tenant
from tests.factories import make_tenant

pytestmark = pytest.mark.django_db


def test_slugs_are_unique_whatever_their_case():
    make_tenant("acme")

    with pytest.raises(IntegrityError, match="tenant_slug_unique"):
        make_tenant("ACME")


def test_the_form_says_that_a_slug_is_taken():
    make_tenant("acme")

    with pytest.raises(ValidationError, match="A tenant with this slug exists"):
        Tenant(slug="Acme", name="Acme").full_clean()


def test_active_leaves_out_the_inactive():
    kept, _ = make_tenant(), make_tenant(is_active=False)

    assert list(Tenant.objects.active()) == [kept]
