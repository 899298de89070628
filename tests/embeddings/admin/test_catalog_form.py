"""Providers' models in the catalog's form: known sizes need not be typed."""

import pytest
from django.test import Client
from django.urls import reverse

from embeddings.models import EmbeddingModel, Provider
from tests.embeddings.admin.test_catalog import ENTERED, NO_ALIASES
from tests.factories import make_model, make_provider, make_remote_model

ADD = reverse("admin:embeddings_embeddingmodel_add")
LIST = reverse("admin:embeddings_embeddingmodel_changelist")
REMOTE = {
    "name": "small",
    "source": "text-embedding-3-small",
    "owner": "openai",
    "dimensions": "",
    "max_tokens": "",
    "prompts": "{}",
    "is_enabled": "on",
}


@pytest.fixture
def provider(db) -> Provider:
    """Somebody who speaks OpenAI's wire."""
    return make_provider("openai")


def add(client: Client, provider: Provider, /, **fields):
    sent = REMOTE | NO_ALIASES | {"provider": provider.pk} | fields
    return client.post(f"{ADD}?provider={sent['provider']}", sent)


def test_a_known_model_needs_no_figures(root: Client, provider):
    response = add(root, provider)

    assert response.status_code == 302, response.context["errors"]
    model = EmbeddingModel.objects.get()
    assert (model.provider, model.family) == (provider, "")
    assert (model.dimensions, model.max_tokens) == (1536, 8192)
    assert model.matryoshka_min == 1


def test_the_whole_form_takes_it_too(root: Client, provider):
    sent = ENTERED | NO_ALIASES | REMOTE | {"provider": provider.pk}
    sent |= {"output": "sparse", "route": "query", "matryoshka_sizes": []}

    response = root.post(ADD, sent)

    assert response.status_code == 302, response.context["errors"]
    model = EmbeddingModel.objects.get()
    assert (model.output, model.route, model.family) == ("dense", "", "")


def test_another_model_is_as_it_is_said(root: Client, provider):
    response = add(root, provider, source="bge-m3", dimensions=1024, max_tokens=8192)

    assert response.status_code == 302, response.context["errors"]
    assert EmbeddingModel.objects.get().matryoshka_min is None


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"source": "bge-m3"}, "This field is required."),
        ({"dimensions": 4096}, "has no vectors of this size"),
        ({"dimensions": "many"}, "Enter a whole number."),
        ({"source": ""}, "This field is required."),
        ({"provider": 0}, "Select a valid choice"),
        ({"name": "a b"}, "Letters, digits"),
    ],
    ids=["unknown", "size", "text", "source", "provider", "name"],
)
def test_what_cannot_be_is_refused_with_a_reason(
    root: Client, provider, fields, complaint
):
    page = add(root, provider, **fields)

    assert page.status_code == 200
    assert complaint in page.content.decode()
    assert not EmbeddingModel.objects.exists()


@pytest.mark.parametrize("missing", ["dimensions", "max_tokens", "family", "output"])
def test_a_model_of_our_own_needs_them_all(root: Client, missing):
    page = root.post(ADD, ENTERED | NO_ALIASES | {missing: ""})

    assert page.status_code == 200
    assert "This field is required." in page.content.decode()
    assert not EmbeddingModel.objects.exists()


def test_who_embeds_stays(root: Client, provider):
    ours, theirs = make_model("ours"), make_remote_model("theirs", provider=provider)
    change = "admin:embeddings_embeddingmodel_change"

    for model, chosen in ((ours, provider.pk), (theirs, "")):
        page = root.post(
            reverse(change, args=[model.pk]),
            ENTERED | NO_ALIASES | {"provider": chosen, "matryoshka_sizes": []},
        )

        assert "would change all vectors" in page.content.decode()
    assert EmbeddingModel.objects.get(provider=None) == ours


def test_a_providers_page_asks_for_no_files(root: Client, provider):
    model = make_remote_model(provider=provider)
    url = reverse("admin:embeddings_embeddingmodel_change", args=[model.pk])

    page = root.get(url)
    form = page.context["adminform"].form
    response = root.post(
        url,
        REMOTE
        | NO_ALIASES
        | {"provider": provider.pk, "dimensions": 256, "max_tokens": 99},
    )

    assert not {"family", "route", "output"} & form.fields.keys()
    assert 'list="vendor-models"' in page.content.decode()
    assert response.status_code == 302, response.context["errors"]
    model.refresh_from_db()
    assert (model.dimensions, model.max_tokens, model.family) == (256, 99, "")


def test_the_list_names_whose_they_are_and_downloads_none(root: Client, provider):
    model = make_remote_model("theirs", provider=provider)

    page = root.get(LIST)
    assert "Not downloaded" not in page.content.decode()
    page = root.post(
        LIST, {"action": "download", "_selected_action": [model.pk]}, follow=True
    )

    assert "Downloads asked for: none." in page.content.decode()


def test_the_pool_has_no_row_for_them(root: Client, provider):
    make_remote_model("theirs", provider=provider)

    page = root.get(reverse("admin:embeddings_engineprocess_changelist"))

    assert page.context["models"] == []
