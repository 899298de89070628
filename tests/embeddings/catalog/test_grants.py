"""Grants: made once, one default, an alias for one model."""

import pytest
from django.db import IntegrityError, transaction

from embeddings.catalog.grants import grant, grant_everything
from embeddings.models import ModelGrant
from tests.factories import make_model, make_tenant

pytestmark = pytest.mark.django_db


def test_granting_twice_is_one_grant() -> None:
    tenant, model = make_tenant(), make_model()

    first = grant(tenant=tenant, model=model)
    second = grant(tenant=tenant, model=model, alias="")

    assert first == second
    assert not second.is_default


def test_a_new_default_replaces_the_old_one() -> None:
    tenant, one, two = make_tenant(), make_model("one"), make_model("two")

    grant(tenant=tenant, model=one, is_default=True)
    grant(tenant=tenant, model=two, is_default=True)
    grant(tenant=tenant, model=two)

    assert ModelGrant.objects.get(tenant=tenant, is_default=True).model == two


def test_another_tenants_default_is_its_own() -> None:
    model = make_model()
    tenants = [make_tenant(), make_tenant()]

    for tenant in tenants:
        grant(tenant=tenant, model=model, is_default=True)

    assert ModelGrant.objects.filter(is_default=True).count() == 2


def test_aliases_add_up_and_lead_to_one_model() -> None:
    tenant, one, two = make_tenant(), make_model("one"), make_model("two")
    grant(tenant=tenant, model=one)
    grant(tenant=tenant, model=one, alias="mine")

    with pytest.raises(IntegrityError), transaction.atomic():
        grant(tenant=tenant, model=two, alias="MINE")
    with pytest.raises(IntegrityError), transaction.atomic():
        grant(tenant=tenant, model=two, alias="no spaces")
    grant(tenant=make_tenant(), model=two, alias="mine")

    assert ModelGrant.objects.filter(tenant=tenant).count() == 2


def test_a_failed_default_leaves_the_old_one() -> None:
    tenant, one, two = make_tenant(), make_model("one"), make_model("two")
    grant(tenant=tenant, model=one, alias="mine", is_default=True)

    with pytest.raises(IntegrityError), transaction.atomic():
        grant(tenant=tenant, model=two, alias="mine", is_default=True)

    assert ModelGrant.objects.get(tenant=tenant, is_default=True).model == one


def test_everything_is_every_enabled_model_and_a_default() -> None:
    tenant = make_tenant()
    first, second = make_model("b"), make_model("a")
    make_model("off", is_enabled=False)

    grant_everything(tenant)
    grant_everything(tenant)

    grants = ModelGrant.objects.filter(tenant=tenant)
    assert {row.model for row in grants} == {first, second}
    assert grants.get(is_default=True).model == first


def test_everything_keeps_the_default_and_aliases_there_are() -> None:
    tenant, first, second = make_tenant(), make_model(), make_model()
    grant(tenant=tenant, model=second, alias="mine", is_default=True)

    grant_everything(tenant)

    default = ModelGrant.objects.get(tenant=tenant, is_default=True)
    assert (default.model, default.alias) == (second, "mine")
    assert ModelGrant.objects.filter(tenant=tenant).count() == 2
    assert ModelGrant.objects.filter(tenant=tenant, model=first).exists()


def test_everything_of_an_empty_catalog_is_nothing() -> None:
    grant_everything(make_tenant())

    assert not ModelGrant.objects.exists()
