"""The command that lets a tenant use a model."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from embeddings.models import ModelGrant
from tests.factories import make_model, make_tenant

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("grant_model", *arguments, stdout=out)
    return out.getvalue()


def test_a_tenant_may_use_a_model() -> None:
    tenant, model = make_tenant("acme"), make_model("org/model")

    assert run("ACME", "Org/Model") == "acme may use org/model\n"

    grant = ModelGrant.objects.get()
    assert (grant.tenant, grant.model, grant.alias) == (tenant, model, None)


def test_json_says_all_of_it() -> None:
    make_tenant("acme")
    make_model("m")

    out = run("acme", "m", "--alias", "mine", "--default", "--json")

    assert json.loads(out) == {
        "tenant": "acme",
        "model": "m",
        "alias": "mine",
        "default": True,
    }


def test_it_may_be_run_twice() -> None:
    make_tenant("acme")
    make_model("m")

    assert run("acme", "m", "--default") == run("acme", "m", "--default")

    assert ModelGrant.objects.count() == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nobody", "m"), "there is no tenant 'nobody'"),
        (("acme", "nothing"), "there is no model 'nothing'"),
        (("acme", "m", "--alias", "no spaces"), "malformed"),
        (("acme", "m", "--alias", "taken"), "names another model"),
    ],
)
def test_a_failure_is_one_plain_sentence(arguments, sentence: str) -> None:
    tenant = make_tenant("acme")
    make_model("m")
    tenant.model_grants.create(model=make_model(), alias="taken")

    with pytest.raises(CommandError, match=sentence) as caught:
        run(*arguments)

    assert caught.value.returncode == 1
    assert "\n" not in str(caught.value)
    assert ModelGrant.objects.count() == 1
