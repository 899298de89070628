"""Families are found by walking their package."""

from embeddings.engine.families import all_families


def test_families_are_found_and_named_once():
    names = [family.name for family in all_families()]

    assert "encoder" in names
    assert len(names) == len(set(names))
