"""Only a folder that was tried gets into the catalog, under names that are free."""

from pathlib import Path

import pytest
from django.db import IntegrityError, transaction

from embeddings.catalog.registration import (
    Registration,
    UnfitRegistrationError,
    register,
)
from embeddings.engine.errors import ModelUnavailableError
from embeddings.models import EmbeddingModel
from tests.factories import make_model, make_provider, make_remote_model
from tests.tiny_models import build

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder fit to serve: 32 dimensions."""
    return build("minilm", tmp_path_factory.mktemp("models") / "minilm")


def test_the_row_says_what_the_folder_says(folder: Path) -> None:
    model = register(Registration(name="tiny", folder=folder, aliases=["org/tiny"]))

    assert (model.family, model.output, model.dimensions) == ("encoder", "dense", 32)
    assert model.max_tokens == model.context_tokens > 0
    assert model.source == str(folder.resolve())
    assert len(model.fingerprint) == 64
    assert [alias.name for alias in model.aliases.all()] == ["org/tiny"]


def test_the_operator_has_the_rest_of_the_say(folder: Path) -> None:
    model = register(
        Registration(
            name="tiny",
            folder=folder,
            max_tokens=8,
            matryoshka_sizes=[16, 8, 16],
            instruction_template="{instruction}: {text}",
            over_length="end",
        )
    )

    assert (model.max_tokens, model.over_length) == (8, "end")
    assert model.matryoshka_sizes == [8, 16]
    assert model.context_tokens is not None
    assert model.context_tokens > 8


def test_registering_again_replaces_the_row(folder: Path) -> None:
    first = register(Registration(name="tiny", folder=folder, aliases=["a"]))

    again = register(
        Registration(name="TINY", folder=folder, aliases=["A", "b", "B"], max_tokens=9)
    )

    assert again.pk == first.pk
    assert (again.name, again.max_tokens) == ("tiny", 9)
    assert [alias.name for alias in again.aliases.all()] == ["a", "b"]
    assert EmbeddingModel.objects.count() == 1


@pytest.mark.parametrize(
    "said",
    [
        {"max_tokens": 0},
        {"max_tokens": -1},
        {"max_tokens": 10**6},
        {"matryoshka_sizes": [0]},
        {"matryoshka_sizes": [16, 32]},
        {"matryoshka_sizes": [33]},
        {"instruction_template": "Instruct: "},
        {"instruction_template": "{text}"},
        {"name": "taken"},
        {"name": "Taken:latest"},
        {"name": "taken-alias"},
        {"aliases": ["taken"]},
        {"aliases": ["free", "TAKEN-ALIAS"]},
    ],
    ids=repr,
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(folder, said) -> None:
    make_model("other", aliases=("taken", "taken-alias"))

    with pytest.raises(UnfitRegistrationError):
        register(Registration(**{"name": "tiny", "folder": folder, **said}))

    assert [model.name for model in EmbeddingModel.objects.all()] == ["other"]


@pytest.mark.parametrize("said", [{"name": "a b"}, {"aliases": ["../a"]}, {"name": ""}])
def test_a_malformed_name_is_refused_by_the_database(folder, said) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        register(Registration(**{"name": "tiny", "folder": folder, **said}))


@pytest.mark.parametrize("kind", ["nan", "no-tokenizer", "missing-keys", "corrupt"])
def test_a_folder_that_cannot_serve_is_not_registered(kind: str, tmp_path) -> None:
    folder = build(kind, tmp_path / kind)

    with pytest.raises(ModelUnavailableError):
        register(Registration(name="tiny", folder=folder))

    assert not EmbeddingModel.objects.exists()


def test_a_providers_model_does_not_become_a_folder(folder) -> None:
    make_remote_model("far", provider=make_provider("openai"))

    with pytest.raises(UnfitRegistrationError, match="openai's model"):
        register(Registration(name="FAR", folder=folder))
