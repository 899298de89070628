"""The catalog and its grants in the admin."""

import pytest
from auditlog.models import LogEntry
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from embeddings.models import EmbeddingModel, ModelGrant
from tests.factories import grant, make_model, make_tenant
from tests.operators import SignIn

LIST = reverse("admin:embeddings_embeddingmodel_changelist")
GRANTS = reverse("admin:embeddings_modelgrant_changelist")
NO_ALIASES = {"aliases-TOTAL_FORMS": 0, "aliases-INITIAL_FORMS": 0}
ENTERED = {
    "name": "org/model",
    "source": "org/model",
    "owner": "library",
    "family": "encoder",
    "output": "dense",
    "precision": "float32",
    "dimensions": 384,
    "matryoshka_sizes": [128, 256],
    "max_tokens": 256,
    "prompts": '{"query": "query: "}',
    "include_prompt": "on",
    "is_enabled": "on",
}


def add(client: Client, **fields):
    return client.post(
        reverse("admin:embeddings_embeddingmodel_add"), ENTERED | NO_ALIASES | fields
    )


def test_a_model_is_made_with_its_aliases(root: Client):
    aliases = {"aliases-TOTAL_FORMS": 1, "aliases-0-name": "short"}

    response = add(root, **aliases)

    assert response.status_code == 302, response.context["errors"]
    model = EmbeddingModel.objects.get()
    assert (model.name, model.matryoshka_sizes) == ("org/model", [128, 256])
    assert [alias.name for alias in model.aliases.all()] == ["short"]


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"name": "../etc"}, "Letters, digits"),
        ({"name": "TAKEN"}, "A model with this name exists."),
        ({"dimensions": 0}, "embedding_model_sizes_positive"),
        ({"prompts": "{"}, "Enter a valid JSON."),
        ({"matryoshka_sizes": ["many"]}, "Enter a whole number."),
    ],
    ids=["path", "taken", "zero", "json", "sizes"],
)
def test_a_wrong_model_is_refused_with_a_reason(root: Client, fields, complaint):
    make_model("taken")

    page = add(root, **fields)

    assert page.status_code == 200
    assert complaint in page.content.decode()
    assert EmbeddingModel.objects.count() == 1


def test_a_name_stays_once_usage_may_be_billed_under_it(root: Client):
    model = make_model("before")

    root.post(
        reverse("admin:embeddings_embeddingmodel_change", args=[model.pk]),
        ENTERED | NO_ALIASES | {"name": "after", "owner": "new"},
    )

    model.refresh_from_db()
    assert (model.name, model.owner) == ("before", "new")


@pytest.mark.parametrize(("action", "expected"), [("disable", False), ("enable", True)])
def test_switching_is_audited(root: Client, action, expected):
    model = make_model("m", is_enabled=not expected)

    page = root.post(
        LIST, {"action": action, "_selected_action": [model.pk]}, follow=True
    )

    model.refresh_from_db()
    assert model.is_enabled is expected
    assert f"Models {action}d: m.".encode() in page.content
    entry = LogEntry.objects.filter(action=LogEntry.Action.UPDATE).get()
    assert list(entry.changes) == ["is_enabled"]


def test_the_list_counts_names_and_holders(root: Client):
    model = make_model(aliases=("a", "b"))
    tenant = make_tenant()
    grant(tenant, model)
    grant(tenant, model, alias="own")
    grant(make_tenant(), model)

    [row] = root.get(LIST).context["cl"].result_list

    assert (row.names, row.holders) == (2, 2)


@pytest.mark.parametrize(
    ("url", "queries"), [(LIST, 7), (GRANTS, 5)], ids=["models", "grants"]
)
def test_the_lists_cost_the_same_for_any_number(
    root: Client, django_assert_num_queries: DjangoAssertNumQueries, url, queries
):
    for _ in range(20):
        grant(make_tenant(), make_model(aliases=()))

    with django_assert_num_queries(queries):
        root.get(url)


@pytest.mark.parametrize("term", ["wanted", "short", "org/"])
def test_models_are_found_by(root: Client, term):
    make_model("other")
    model = make_model("wanted", aliases=("short",), source="org/model")

    assert list(root.get(LIST, {"q": term}).context["cl"].result_list) == [model]


@pytest.mark.parametrize("term", ["acme", "wanted", "own"])
def test_grants_are_found_by(root: Client, term):
    grant(make_tenant())
    wanted = grant(make_tenant("acme"), make_model("wanted"), alias="own")

    assert list(root.get(GRANTS, {"q": term}).context["cl"].result_list) == [wanted]


def test_a_grant_without_alias_has_none(root: Client):
    tenant, model = make_tenant(), make_model()

    root.post(
        reverse("admin:embeddings_modelgrant_add"),
        {"tenant": tenant.pk, "model": model.pk, "alias": ""},
    )

    assert ModelGrant.objects.get().alias is None


def test_a_second_default_is_refused(root: Client):
    tenant = make_tenant()
    grant(tenant, is_default=True)

    page = root.post(
        reverse("admin:embeddings_modelgrant_add"),
        {"tenant": tenant.pk, "model": make_model().pk, "is_default": "on"},
    )

    assert b"The tenant has a default model." in page.content


def test_a_tenants_page_grants_models(root: Client):
    tenant, model = make_tenant("acme"), make_model()
    granted = {"model_grants-TOTAL_FORMS": 1, "model_grants-INITIAL_FORMS": 0}
    granted |= {"model_grants-0-model": model.pk, "model_grants-0-is_default": "on"}
    granted |= {"model_grants-0-tenant": tenant.pk}
    granted |= {"quotas-TOTAL_FORMS": 0, "quotas-INITIAL_FORMS": 0}

    root.post(
        reverse("admin:accounts_tenant_change", args=[tenant.pk]),
        {"name": "Acme", "slug": "acme", "is_active": "on"} | granted,
    )

    assert EmbeddingModel.objects.granted_to(tenant).get() == model


def test_who_may_not_see_grants_sees_none_on_a_tenants_page(staff: SignIn):
    held = grant(make_tenant(), make_model("hidden-model"))
    clerk = staff("accounts.view_tenant")

    page = clerk.get(reverse("admin:accounts_tenant_change", args=[held.tenant_id]))

    assert page.status_code == 200
    assert b"hidden-model" not in page.content
