"""Every route is found, with a slash and without."""

import pytest
from django.urls import resolve

from embeddings.tenant_api.base import NotFoundView
from embeddings.tenant_api.routes import ORGANIZATION_ROUTES, TENANT_ROUTES


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(
    ("route", "view"), [*TENANT_ROUTES.items(), *ORGANIZATION_ROUTES.items()]
)
def test_every_route_is_found(route: str, view: type, slash: str) -> None:
    path = "/" + route.replace("<int:key_id>", "7") + slash

    match = resolve(path)

    assert match.func.view_class is view
    assert match.kwargs == ({"key_id": 7} if "key_id" in route else {})


@pytest.mark.parametrize("path", ["/tenant", "/tenant/v1/keys/x", "/tenant//"])
def test_the_rest_below_is_nowhere(path: str) -> None:
    assert resolve(path).func.view_class is NotFoundView


@pytest.mark.parametrize("path", ["/tenants", "/tenant\n", "/v1/organization"])
def test_what_is_beside_belongs_to_the_wires(path: str) -> None:
    assert resolve(path).func.view_class is not NotFoundView
