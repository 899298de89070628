"""The tenant's API in the OpenAPI document."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import path
from drf_spectacular.generators import SchemaGenerator

from embeddings import problems
from embeddings.tenant_api.organization import OPENAI
from embeddings.tenant_api.routes import ORGANIZATION_ROUTES, TENANT_ROUTES

TAG = "Tenant"
#: RFC 9457, with members of our own.
PROBLEM: Mapping[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "instance"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "instance": {"type": "string", "description": "The request's id."},
        "param": {"type": "string", "description": "The field that is wrong."},
    },
}
#: The web server's own, which it writes before it knows whose the path is.
TOO_LONG: Mapping[str, Any] = {
    "description": "The address is too long",
    "content": {"application/json": {"schema": {"type": "object"}}},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Documentation:
    """Paths of an OpenAPI document, and the schemas that they refer to."""

    paths: Mapping[str, dict[str, Any]]
    schemas: Mapping[str, Any]


def documentation() -> Documentation:
    """Of every route here."""
    routes = {**TENANT_ROUTES, **ORGANIZATION_ROUTES}
    generator = SchemaGenerator(  # type: ignore[no-untyped-call]
        patterns=[path(route, view.as_view()) for route, view in routes.items()]
    )
    document = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    problem = {
        "description": "A problem",
        "content": {
            problems.CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
    for route, operations in document["paths"].items():
        is_own = route.startswith(f"{problems.PREFIX}/")
        for operation in operations.values():
            if operation.get("parameters"):
                operation["responses"]["414"] = TOO_LONG
            operation["tags"] = [TAG if is_own else OPENAI.title]
            operation["responses"]["default"] = (
                problem if is_own else {"description": "As the wire defines it"}
            )
    return Documentation(
        paths=document["paths"],
        schemas={**document["components"]["schemas"], "Problem": PROBLEM},
    )
