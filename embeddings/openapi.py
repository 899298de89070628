"""The OpenAPI document of the API, and an example call of each wire."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.views import View

from embeddings.dialects import all_dialects
from embeddings.dialects.base import Dialect, Operation, Route
from embeddings.errors import MethodError
from embeddings.tenant_api.documentation import documentation
from embeddings.views import refusal

EXAMPLE_MODEL = "all-MiniLM-L6-v2"
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "x-chroma-token": {"type": "apiKey", "in": "header", "name": "x-chroma-token"},
    "api-key": {"type": "apiKey", "in": "header", "name": "api-key"},
    "x-goog-api-key": {"type": "apiKey", "in": "header", "name": "x-goog-api-key"},
}


@dataclass(frozen=True, slots=True)
class Example:
    """A shell command that calls one wire, with the key read from a file."""

    title: str
    command: str


class OpenApiView(View):
    """`/openapi.json`, open to everyone: it says nothing of tenants or models."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002
        """OpenAPI 3.1 of every route."""
        return HttpResponse(orjson.dumps(document()), content_type="application/json")

    def http_method_not_allowed(
        self,
        request: HttpRequest,
        *args: Any,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> HttpResponse:
        """Refuse as the wires do; Django's own answer has a type and no body."""
        return refusal(request, MethodError(allowed=["GET", "HEAD"]))


@cache
def document() -> dict[str, object]:
    """The OpenAPI 3.1 document."""
    paths: dict[str, dict[str, Any]] = {}
    for dialect in all_dialects():
        for route in dialect.routes:
            operations = paths.setdefault(f"/{route.path}", {})
            operation = _operation(dialect, route)
            # There is room for one; where wires share a route, it has all their tags.
            first = operations.setdefault(route.method.lower(), operation)
            if first is not operation:
                first["tags"].append(dialect.title)
    tenant_api = documentation()
    paths |= tenant_api.paths
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Embedding platform",
            "version": version("embedding-platform"),
        },
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": tenant_api.schemas, "securitySchemes": _SCHEMES},
        "security": [{name: []} for name in _SCHEMES],
    }


def curl_examples(*, base_url: str, key_file: str) -> list[Example]:
    """One command per wire that embeds a text, to be pasted into a shell."""
    return [
        Example(dialect.title, _curl(route, base_url=base_url, key_file=key_file))
        for dialect in all_dialects()
        if (route := _example_route(dialect)) is not None
    ]


EMBEDDING = frozenset({Operation.EMBED, Operation.EMBED_SPARSE})
REFUSALS = {
    401: "No key, or one that is not valid",
    403: "The key may not do this",
    429: "A rate limit; Retry-After tells how long",
    503: "Not available now; Retry-After tells how long",
}
EMBEDDING_REFUSALS = {
    409: "The request with this Idempotency-Key is still running",
    429: "A quota or rate limit; Retry-After tells how long where waiting helps",
    501: "The model has no embeddings of this kind",
}


def _example_route(dialect: Dialect) -> Route | None:
    embedding = (r for r in dialect.routes if r.operation is Operation.EMBED)
    return next((route for route in embedding if route.example is not None), None)


def _curl(route: Route, *, base_url: str, key_file: str) -> str:
    headers = [f'-H "Authorization: Bearer $(cat {shlex.quote(key_file)})"']
    headers += [f'-H "{name}: {EXAMPLE_MODEL}"' for name in route.headers]
    body = shlex.quote(json.dumps(route.example))
    path = route.path.replace("{model}", EXAMPLE_MODEL)
    url = shlex.quote(f"{base_url}/{path}")
    return " ".join(["curl -sS", url, *headers, "-d", body])


def _operation(dialect: Dialect, route: Route) -> dict[str, object]:
    operation: dict[str, object] = {
        "tags": [dialect.title],
        "summary": route.summary,
        "operationId": f"{dialect.name}-{route.method.lower()}-{route.path or 'root'}",
        "responses": _responses(route),
    }
    if parameters := _parameters(route):
        operation["parameters"] = parameters
    if route.schema is not None:
        operation["requestBody"] = _request_body(route, route.schema)
    if route.is_public:
        operation["security"] = []
    return operation


def _parameters(route: Route) -> list[dict[str, object]]:
    places = [(name, "header", True) for name in route.headers]
    places += [(name, "path", True) for name in re.findall(r"\{(\w+)\}", route.path)]
    if route.operation in EMBEDDING:
        places.append(("Idempotency-Key", "header", False))
    return [
        {"name": name, "in": place, "required": must, "schema": {"type": "string"}}
        for name, place, must in places
    ]


def _responses(route: Route) -> dict[str, object]:
    """The statuses that are the platform's own; the wires have more for bad input."""
    found = {200: "As the wire defines it"}
    if not route.is_public:
        found |= REFUSALS
    if route.operation in EMBEDDING:
        found |= EMBEDDING_REFUSALS
    return {str(status): {"description": text} for status, text in found.items()}


def _request_body(route: Route, schema: Mapping[str, object]) -> dict[str, object]:
    content: dict[str, object] = {"schema": schema}
    if route.example is not None:
        content["example"] = route.example
    return {"required": True, "content": {"application/json": content}}
