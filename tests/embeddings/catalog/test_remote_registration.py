"""Providers' models in the catalog: known ones by name, others as they are said."""

from typing import Any

import pytest

from embeddings.catalog.registration import UnfitRegistrationError
from embeddings.catalog.remote_registration import RemoteRegistration, register_remote
from embeddings.models import EmbeddingModel, Provider
from tests.factories import make_model, make_provider

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider() -> Provider:
    """Somebody who speaks OpenAI's wire."""
    return make_provider("openai")


def register(provider: Provider, **said: Any) -> EmbeddingModel:
    registration = {"name": "m", "remote_name": "text-embedding-3-small"} | said
    return register_remote(RemoteRegistration(provider=provider, **registration))


def test_a_known_model_needs_no_figures(provider):
    model = register(provider, aliases=("short", "SHORT"))

    model.refresh_from_db()
    assert (model.provider, model.source) == (provider, "text-embedding-3-small")
    assert (model.dimensions, model.max_tokens) == (1536, 8192)
    assert (model.matryoshka_min, model.matryoshka_sizes) == (1, [])
    assert (model.family, model.owner) == ("", "openai")
    assert [alias.name for alias in model.aliases.all()] == ["short"]


def test_what_is_said_wins(provider):
    model = register(
        provider,
        dimensions=512,
        max_tokens=100,
        matryoshka_sizes=(256, 128),
        over_length="end",
    )

    assert (model.dimensions, model.max_tokens, model.over_length) == (512, 100, "end")
    assert (model.matryoshka_min, model.matryoshka_sizes) == (None, [128, 256])


def test_another_model_is_as_it_is_said(provider):
    model = register(provider, remote_name="bge-m3", dimensions=1024, max_tokens=8192)

    assert (model.dimensions, model.matryoshka_min) == (1024, None)


def test_again_changes_the_same_row(provider):
    first = register(provider)
    other = make_provider("other", kind="cohere")

    second = register(other, name="M", remote_name="embed-v4.0")

    assert second.pk == first.pk
    assert second.name == "m"
    assert second.matryoshka_sizes == [256, 512, 1024]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"remote_name": "unheard-of", "max_tokens": 1}, "how many dimensions"),
        ({"remote_name": "unheard-of", "dimensions": 1}, "how many tokens"),
        ({"remote_name": "unheard-of", "dimensions": 1, "max_tokens": 0}, "1 token"),
        ({"dimensions": 1537}, "no vectors of 1537"),
        ({"dimensions": 0}, "no vectors of 0"),
        ({"max_tokens": 9000}, "1 to 8192 tokens, not 9000"),
        ({"max_tokens": 0}, "not 0"),
        ({"matryoshka_sizes": (1536,)}, "no vectors of 1536"),
        ({"name": "ours"}, "platform's own"),
        ({"name": "alias"}, "leads to another model"),
        ({"aliases": ("ours",)}, "leads to another model"),
    ],
)
def test_what_cannot_be_is_refused(provider, said, reason):
    make_model("ours", aliases=("alias",))

    with pytest.raises(UnfitRegistrationError, match=reason):
        register(provider, **said)

    assert EmbeddingModel.objects.count() == 1
