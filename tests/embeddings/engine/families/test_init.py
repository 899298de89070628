"""Families are found by walking their package."""

import pytest

from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.families import all_families, family_named


def test_families_are_found_and_named_once():
    names = [family.name for family in all_families()]

    assert "encoder" in names
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", ["minilm", "bge-m3", "splade", "splade-doc", "qwen3"])
def test_one_family_claims_a_folder(tiny, name):
    claiming = [family.name for family in all_families() if family.matches(tiny(name))]

    assert len(claiming) == 1


@pytest.mark.parametrize("name", ["instructor-base", ""])
def test_family_that_is_not_there_is_named(name):
    with pytest.raises(ModelUnavailableError, match=f"the family {name} are not"):
        family_named(name)
