"""Every wire's routes are there, and what no route has is still a wire's."""

import pytest
from django.urls import resolve

from embeddings.dialects import all_dialects
from embeddings.openapi import OpenApiView
from embeddings.views import WireView

ROUTES = [
    pytest.param(dialect, route, id=f"{dialect.name} {route.method} /{route.path}")
    for dialect in all_dialects()
    for route in dialect.routes
]


def candidates_of(path: str):
    match = resolve(path)
    assert match.func.view_class is WireView
    return match.func.view_initkwargs.get("candidates", ()), match.kwargs


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(("dialect", "route"), ROUTES)
def test_every_route_is_found(dialect, route, slash: str) -> None:
    path = "/" + route.path.replace("{model}", "org/name:tag")
    if path != "/":
        path += slash

    candidates, kwargs = candidates_of(path)

    assert (dialect, route) in [(c.dialect, c.route) for c in candidates]
    assert kwargs == ({"model": "org/name:tag"} if "{model}" in route.path else {})


@pytest.mark.parametrize(
    "path",
    [
        "/nope",
        "//embed",
        "/embed//",
        "/EMBED",
        "/embedx",
        "/api",
        "/v1",
        "/a\nb",
        "/\n",
        "/embed\n/x",
        "/openapiXjson",
        "/openapi.json/",
        "/é",
    ],
    ids=repr,
)
def test_other_paths_have_no_route(path: str) -> None:
    candidates, _ = candidates_of(path)

    assert candidates == ()


def test_a_path_that_wires_share_is_one_pattern() -> None:
    candidates, _ = candidates_of("/")

    assert {(c.route.method, c.dialect.name) for c in candidates} == {
        ("GET", "ollama"),
        ("POST", "chroma"),
        ("POST", "tei"),
    }


@pytest.mark.parametrize(
    ("path", "names"),
    [("/embed", ["tei", "chroma"]), ("/v1/models", ["google", "openai"])],
)
def test_who_claims_only_its_own_is_asked_first(path: str, names: list[str]) -> None:
    candidates, _ = candidates_of(path)

    assert [one.dialect.name for one in candidates] == names


def test_the_documents_address() -> None:
    assert resolve("/openapi.json").func.view_class is OpenApiView
