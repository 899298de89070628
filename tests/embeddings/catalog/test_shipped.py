"""What ships: made once, found by the names users have, and never overwritten."""

import pytest

from embeddings.catalog.locate import locate
from embeddings.catalog.lookup import fold
from embeddings.catalog.shipped import SHIPPED, seed
from embeddings.models import EmbeddingModel, ModelAlias
from tests.factories import make_model

pytestmark = pytest.mark.django_db


def test_the_models_are_made_once() -> None:
    assert seed() == len(SHIPPED)
    assert seed() == 0

    assert EmbeddingModel.objects.count() == len(SHIPPED)


def test_the_names_that_users_have_lead_to_minilm() -> None:
    seed()

    model = EmbeddingModel.objects.get(name="all-MiniLM-L6-v2")

    names = {fold(alias.name) for alias in model.aliases.all()} | {fold(model.name)}
    for name in (
        "all-minilm",
        "all-minilm:latest",
        "all-minilm:22m",
        "all-MiniLM-L6-v2",
        "sentence-transformers/all-MiniLM-L6-v2",
        "chroma/all-minilm-l6-v2-f32",
        "tazarov/all-minilm-l6-v2-f32",
    ):
        assert fold(name) in names
    assert (model.dimensions, model.max_tokens, model.context_tokens) == (384, 256, 512)


def test_edits_are_kept() -> None:
    seed()
    EmbeddingModel.objects.update(max_tokens=128, over_length="end", is_enabled=False)
    ModelAlias.objects.filter(name="all-minilm").delete()

    seed()

    model = EmbeddingModel.objects.get()
    assert (model.max_tokens, model.over_length) == (128, "end")
    assert not model.is_enabled
    assert not ModelAlias.objects.filter(name="all-minilm").exists()


def test_a_row_of_the_operators_own_stays() -> None:
    make_model("ALL-minilm-l6-V2", max_tokens=99)

    assert seed() == len(SHIPPED) - 1

    assert EmbeddingModel.objects.get().max_tokens == 99


def test_an_alias_that_another_model_has_stays_there() -> None:
    other = make_model("other", aliases=("ALL-MINILM",))

    seed()

    assert ModelAlias.objects.get(name__iexact="all-minilm").model == other
    assert ModelAlias.objects.filter(name="all-minilm:22m").exists()


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda shipped: shipped.name)
def test_what_ships_is_here(shipped) -> None:
    assert locate(shipped.source) is not None
