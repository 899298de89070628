"""What ships: made once, found by the names users have, and never overwritten."""

import pytest

from embeddings.catalog.locate import locate
from embeddings.catalog.lookup import entry_of, fold
from embeddings.catalog.shipped import seed
from embeddings.catalog.shipped_models import SHIPPED
from embeddings.engine.families import family_named
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

    assert EmbeddingModel.objects.count() == len(SHIPPED)
    model = EmbeddingModel.objects.get(name="all-MiniLM-L6-v2")
    assert (model.max_tokens, model.over_length) == (128, "end")
    assert not model.is_enabled
    assert not ModelAlias.objects.filter(name="all-minilm").exists()


def test_a_row_of_the_operators_own_stays() -> None:
    make_model("ALL-minilm-l6-V2", max_tokens=99)

    assert seed() == len(SHIPPED) - 1

    found = EmbeddingModel.objects.get(name__iexact="all-minilm-l6-v2")
    assert found.max_tokens == 99


def test_an_alias_that_another_model_has_stays_there() -> None:
    other = make_model("other", aliases=("ALL-MINILM",))

    seed()

    assert ModelAlias.objects.get(name__iexact="all-minilm").model == other
    assert ModelAlias.objects.filter(name="all-minilm:22m").exists()


@pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "Chroma/BM25"])
def test_two_models_are_here_from_the_first_run(name) -> None:
    (shipped,) = [shipped for shipped in SHIPPED if shipped.name == name]

    assert locate(shipped.source) is not None


def test_no_name_leads_to_two_models() -> None:
    names = [fold(name) for one in SHIPPED for name in (one.name, *one.aliases)]

    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda shipped: shipped.name)
def test_every_row_is_one_that_the_catalog_takes(shipped) -> None:
    seed()

    model = EmbeddingModel.objects.get(name=shipped.name)

    model.full_clean()
    entry = entry_of(model)
    assert family_named(model.family)
    assert entry.facts.outputs
    assert all(entry.offers(size) for size in model.matryoshka_sizes)
    assert max(model.matryoshka_sizes, default=1) <= model.dimensions
    template = model.instruction_template
    assert not template or ("{instruction}" in template and "{text}" in template)


@pytest.mark.parametrize(
    ("name", "role", "expected"),
    [
        ("qwen3-embedding", "query", "Instruct: Given a web search query, retrieve"),
        ("qwen3-embedding", "document", ""),
        ("multilingual-e5-base", "document", "passage: "),
        ("nomic-embed-text", "query", "search_query: "),
        ("bge-base-en-v1.5", "query", "Represent this sentence for searching"),
    ],
)
def test_roles_have_their_prompts(name, role, expected) -> None:
    seed()

    prompts = ModelAlias.objects.get(name=name).model.prompts

    assert prompts[role].startswith(expected)
