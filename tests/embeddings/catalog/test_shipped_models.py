"""What ships, as it stands before any database."""

from embeddings.catalog.shipped_models import SHIPPED


def test_the_first_model_is_the_one_that_needs_no_download():
    assert SHIPPED[0].name == "all-MiniLM-L6-v2"


def test_models_of_the_hub_are_found_by_their_last_name_too():
    for shipped in SHIPPED:
        owner, _, short = shipped.source.partition("/")
        assert short.lower() in {
            name.lower() for name in (shipped.name.split("/")[-1], *shipped.aliases)
        }
        assert owner
