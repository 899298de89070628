"""The paths of the tenant's API, each with an optional slash at its end."""

from collections.abc import Mapping

from django.urls import URLPattern, path, re_path

from embeddings import problems
from embeddings.tenant_api import organization
from embeddings.tenant_api.base import NotFoundView, TenantView
from embeddings.tenant_api.facts import LimitsView, MeView, ModelsView
from embeddings.tenant_api.keys import KeysView, KeyView, RotationView
from embeddings.tenant_api.organization import CostsView, EmbeddingsUsageView
from embeddings.tenant_api.usage import UsageView

_TENANT = f"{problems.PREFIX[1:]}/v1"
_ORGANIZATION = organization.PREFIX[1:]

TENANT_ROUTES: Mapping[str, type[TenantView]] = {
    f"{_TENANT}/me": MeView,
    f"{_TENANT}/models": ModelsView,
    f"{_TENANT}/limits": LimitsView,
    f"{_TENANT}/usage": UsageView,
    f"{_TENANT}/keys": KeysView,
    f"{_TENANT}/keys/<int:key_id>": KeyView,
    f"{_TENANT}/keys/<int:key_id>/rotate": RotationView,
}
ORGANIZATION_ROUTES: Mapping[str, type[TenantView]] = {
    f"{_ORGANIZATION}/usage/embeddings": EmbeddingsUsageView,
    f"{_ORGANIZATION}/costs": CostsView,
}

urlpatterns: list[URLPattern] = [
    path(f"{route}{slash}", view.as_view())
    for route, view in {**TENANT_ROUTES, **ORGANIZATION_ROUTES}.items()
    for slash in ("", "/")
]
urlpatterns.append(re_path(rf"^{problems.PREFIX[1:]}(?:/|\Z)", NotFoundView.as_view()))
