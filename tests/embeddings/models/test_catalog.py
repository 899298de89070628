"""What the catalog's tables refuse, whoever writes to them."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from embeddings.models import EmbeddingModel, ModelAlias, ModelGrant
from tests.factories import grant, make_model, make_tenant

pytestmark = pytest.mark.django_db

GOOD = ["a", "A-b_c.1", "org/name", "org/name:tag", "all-minilm:22m", "_x"]
BAD = ["", " a", "a b", "../a", "/a", "a/", "a\n", "ä", "a//b", "-a", ".a", "a;b"]


@pytest.mark.parametrize("name", GOOD)
def test_names_that_clients_use_are_allowed(name: str) -> None:
    model = make_model(name)
    other = make_model("other")
    ModelAlias.objects.create(model=other, name=name)

    assert str(model) == name


@pytest.mark.parametrize("name", BAD, ids=repr)
def test_other_names_are_refused_everywhere(name: str) -> None:
    model = make_model("good")

    with pytest.raises(IntegrityError), transaction.atomic():
        EmbeddingModel.objects.create(name=name, dimensions=1, max_tokens=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        ModelAlias.objects.create(model=model, name=name)
    with pytest.raises(IntegrityError), transaction.atomic():
        ModelGrant.objects.create(tenant=make_tenant(), model=model, alias=name)


def test_names_and_aliases_are_unique_whatever_their_case() -> None:
    model = make_model("name", aliases=("alias",))

    with pytest.raises(IntegrityError), transaction.atomic():
        make_model("NAME")
    with pytest.raises(IntegrityError), transaction.atomic():
        ModelAlias.objects.create(model=model, name="ALIAS")


@pytest.mark.parametrize("fields", [{"dimensions": 0}, {"max_tokens": 0}], ids=repr)
def test_a_model_has_some_dimensions_and_tokens(fields) -> None:
    with pytest.raises(IntegrityError):
        make_model(**fields)


def test_a_tenant_has_one_default_and_no_grant_twice() -> None:
    tenant, model = make_tenant(), make_model()
    grant(tenant, model, is_default=True)

    with pytest.raises(IntegrityError), transaction.atomic():
        grant(tenant, is_default=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        grant(tenant, model)
    with pytest.raises(ValidationError, match="default"):
        ModelGrant(tenant=tenant, model=make_model(), is_default=True).full_clean()


def test_a_tenants_models_are_the_enabled_ones_it_has_grants_for() -> None:
    tenant, model = make_tenant(), make_model("m")
    grant(tenant, model)
    grant(tenant, model, alias="again")
    grant(tenant, make_model(is_enabled=False))
    grant(make_tenant(), make_model())

    assert list(EmbeddingModel.objects.granted_to(tenant)) == [model]


def test_rows_say_what_they_are() -> None:
    tenant, model = make_tenant("acme"), make_model("m", aliases=("a",))

    assert str(ModelAlias.objects.get()) == "a"
    assert str(grant(tenant, model)) == "acme: m"
    assert str(grant(tenant, model, alias="mine")) == "acme: mine"
