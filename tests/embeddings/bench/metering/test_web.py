"""The web server's part is in the command's test, over a real server."""

from embeddings.bench.metering import web
from embeddings.catalog.shipped_models import SHIPPED


def test_the_model_is_one_that_every_installation_has():
    [model] = [one for one in SHIPPED if one.name == web.MODEL]

    assert model.family == "bm25"
