"""What is known of vendors' models is of one piece."""

import pytest

from embeddings.catalog.vendor_models import VENDOR_MODELS, models_of, vendor_model
from embeddings.engine.backends import backend_titles


@pytest.mark.parametrize("known", VENDOR_MODELS, ids=lambda known: known.name)
def test_sizes_fit(known):
    assert known.kinds <= backend_titles().keys()
    assert known.max_tokens > 0
    assert known.max_texts > 0
    assert known.offers(known.dimensions)
    assert not known.offers(known.dimensions + 1)
    assert not known.offers(0)
    assert all(known.offers(size) for size in known.matryoshka_sizes)
    assert list(known.matryoshka_sizes) == sorted(known.matryoshka_sizes)
    assert all(size < known.dimensions for size in known.matryoshka_sizes)


def test_names_are_found_by_kind():
    names = [known.name for known in VENDOR_MODELS]
    assert len(set(names)) == len(names)

    found = vendor_model("azure", "text-embedding-3-large")
    assert found is not None
    assert (found.dimensions, found.offers(256)) == (3072, True)
    assert vendor_model("cohere", "text-embedding-3-large") is None
    assert vendor_model("openai", "unheard-of") is None
    assert models_of("unheard-of") == ()


def test_sizes_below_a_shorter_vector_remain():
    known = vendor_model("cohere", "embed-v4.0")

    assert known is not None
    assert known.smaller_than(1024) == (256, 512)
