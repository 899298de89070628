"""Which encoder a SPLADE folder's route leads to."""

import pytest

from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.families.splade_folder import encoder_of, is_splade
from tests.tiny_parts import dump


def router(folder, *, paths, default="", kinds=("MLMTransformer", "SpladePooling")):
    """A folder of routes, by the paths of their models."""
    types, structure = {}, {}
    for name, path in paths.items():
        pooling = f"{name}_pooling"
        types |= {path: f"x.{kinds[0]}", pooling: f"x.{kinds[1]}"}
        structure[name] = [path, pooling]
    parameters = {"default_route": default} if default else {}
    facts = {"types": types, "structure": structure, "parameters": parameters}
    dump(folder / "router_config.json", facts)
    dump(folder / "modules.json", [{"path": "", "type": "x.Router"}])
    return folder


BOTH = {"document": "d", "query": "q"}


@pytest.mark.parametrize(
    ("paths", "default", "route", "expected"),
    [
        ({"document": "", "query": "q"}, "query", "", ("document", "")),
        ({"document": "d", "query": "."}, "document", "", ("query", ".")),
        ({"document": "", "query": "q"}, "", "query", ("query", "q")),
        (BOTH, "query", "", ("query", "q")),
        (BOTH, "query", "document", ("document", "d")),
    ],
    ids=["root", "dot", "named", "default", "named-over-default"],
)
def test_route_is_the_named_one_or_the_folders_own(
    tmp_path, paths, default, route, expected
):
    encoder = encoder_of(router(tmp_path, paths=paths, default=default), route=route)

    name, place = expected
    assert (encoder.route, encoder.folder) == (name, tmp_path / place)


@pytest.mark.parametrize("route", ["", "other"])
def test_route_that_is_not_there_is_refused_with_those_that_are(tmp_path, route):
    folder = router(tmp_path, paths=BOTH)

    with pytest.raises(ModelUnavailableError, match="routes document, query"):
        encoder_of(folder, route=route)


def test_folder_of_one_model_has_no_routes(tiny):
    with pytest.raises(ModelUnavailableError, match="no route query"):
        encoder_of(tiny("splade"), route="query")


@pytest.mark.parametrize(
    "kinds",
    [("Transformer", "Pooling"), ("SparseStaticEmbedding", "SpladePooling")],
    ids=["dense", "static"],
)
def test_router_of_other_kinds_is_not_splade(tmp_path, kinds):
    assert is_splade(router(tmp_path / "good", paths=BOTH))
    assert not is_splade(router(tmp_path / "bad", paths=BOTH, kinds=kinds))


@pytest.mark.parametrize("path", ["../query", "/query"])
def test_encoder_outside_the_folder_is_refused(tmp_path, path):
    folder = router(tmp_path, paths={"document": "", "query": path})

    with pytest.raises(ModelUnavailableError, match="leads out of the model folder"):
        encoder_of(folder, route="query")


@pytest.mark.parametrize("name", ["minilm", "dense", "static"])
def test_modules_of_another_kind_are_refused(tiny, name):
    with pytest.raises(ModelUnavailableError, match="a language model with its"):
        encoder_of(tiny(name), route="")


def test_route_of_another_kind_is_refused(tmp_path):
    folder = router(tmp_path, paths=BOTH, kinds=("Transformer", "Pooling"))

    with pytest.raises(ModelUnavailableError, match="a language model with its"):
        encoder_of(folder, route="query")


@pytest.mark.parametrize("facts", [{}, {"types": 1}, {"types": {}, "structure": 3}])
def test_router_without_routes_is_refused(tmp_path, facts):
    dump(tmp_path / "modules.json", [{"path": "", "type": "x.Router"}])
    dump(tmp_path / "router_config.json", facts)

    with pytest.raises(ModelUnavailableError, match="names no routes"):
        is_splade(tmp_path)


@pytest.mark.parametrize(
    "facts", [{"pooling_strategy": "mean"}, {"activation_function": "gelu"}]
)
def test_pooling_of_another_kind_is_refused(tmp_path, facts):
    folder = router(tmp_path, paths={"query": ""})
    dump(folder / "query_pooling/config.json", facts)

    with pytest.raises(ModelUnavailableError, match="no pooling by"):
        encoder_of(folder, route="")


def test_bare_folder_holds_a_language_model(tmp_path):
    dump(tmp_path / "config.json", {"architectures": ["BertModel"]})

    with pytest.raises(ModelUnavailableError, match="no masked language model"):
        encoder_of(tmp_path, route="")
