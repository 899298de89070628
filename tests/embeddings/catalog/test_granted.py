"""A caller's grants, one by one."""

import pytest

from accounts.authentication import caller_of
from embeddings.catalog.granted import granted_models
from tests.factories import grant, make_api_key, make_model, make_tenant

pytestmark = pytest.mark.django_db


def test_a_model_granted_twice_has_two_names() -> None:
    tenant, model = make_tenant(), make_model("a-model", output="both")
    grant(tenant, model, is_default=True)
    grant(tenant, model, alias="Ours")
    grant(make_tenant(), make_model())

    first, second = granted_models(caller_of(make_api_key(tenant).secret))

    assert (first.name, first.canonical, first.is_default) == ("Ours", "a-model", False)
    assert (second.name, second.is_default) == ("a-model", True)
    assert first.outputs == ("dense", "sparse")


def test_what_may_not_be_used_is_left_out() -> None:
    tenant = make_tenant()
    grant(tenant, make_model("off", is_enabled=False))
    grant(tenant, make_model("withheld"))
    grant(tenant, make_model("held"))

    caller = caller_of(make_api_key(tenant, model_names=["held", "off"]).secret)

    assert [one.name for one in granted_models(caller)] == ["held"]
