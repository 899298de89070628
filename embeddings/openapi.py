"""The OpenAPI document of the API, and an example call of each wire."""

import json
import re
import shlex
from collections import defaultdict
from collections.abc import Sequence
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
from embeddings.idempotency import LONGEST
from embeddings.refusals import refusals_of
from embeddings.tenant_api.documentation import TOO_LONG, documentation
from embeddings.views import Candidate, refusal

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
    shared: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for dialect in all_dialects():
        for route in dialect.routes:
            shared[f"/{route.path}", route.method.lower()].append(
                Candidate(dialect, route)
            )
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for (path, method), candidates in shared.items():
        paths[path][method] = _operation(candidates)
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
IDEMPOTENCY_KEY = "Idempotency-Key"
_NAME = {"type": "string", "minLength": 1}
_KEY = {"type": "string", "maxLength": LONGEST, "pattern": "^[ -~]*$"}
_HEADERS = {
    "x-request-id": {
        "description": "The request's id, in the ledger if it was admitted.",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
    }
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


def _operation(candidates: Sequence[Candidate]) -> dict[str, object]:
    """What one method of a path takes and answers, of whichever wire it is."""
    first = candidates[0]
    routes = [candidate.route for candidate in candidates]
    name = f"{first.dialect.name}-{first.route.method.lower()}"
    operation: dict[str, object] = {
        "tags": [candidate.dialect.title for candidate in candidates],
        "summary": first.route.summary,
        "operationId": f"{name}-{first.route.path or 'root'}",
        "responses": _responses(candidates),
    }
    if parameters := _parameters(routes):
        operation["parameters"] = parameters
    if first.route.schema is not None:
        operation["requestBody"] = _request_body(routes)
    if first.route.is_public:
        operation["security"] = []
    return operation


def _parameters(routes: Sequence[Route]) -> list[dict[str, object]]:
    """Those of every route; what only one of them needs is not required."""
    places = [
        (name, "header", all(name in other.headers for other in routes))
        for route in routes
        for name in route.headers
    ]
    places += [
        (name, "path", True) for name in re.findall(r"\{(\w+)\}", routes[0].path)
    ]
    if routes[0].operation in EMBEDDING:
        places.append((IDEMPOTENCY_KEY, "header", False))
    return [
        {
            "name": name,
            "in": place,
            "required": must,
            "schema": _KEY if name == IDEMPOTENCY_KEY else _NAME,
        }
        for name, place, must in places
    ]


def _responses(candidates: Sequence[Candidate]) -> dict[str, object]:
    """What the wires answer; refusals are objects in each wire's own shape."""
    texts: dict[int, list[str]] = defaultdict(list)
    for candidate in candidates:
        for status, found in refusals_of(candidate.dialect, candidate.route).items():
            texts[status] += [text for text in found if text not in texts[status]]
    refused: dict[str, object] = {
        str(status): {
            "description": ". ".join(found),
            "headers": _HEADERS,
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
        for status, found in sorted(texts.items())
    }
    if "{" in candidates[0].route.path:
        refused["414"] = TOO_LONG
    answered = {"description": "As the wire defines it", "headers": _HEADERS}
    return {"200": answered, **refused}


def _request_body(routes: Sequence[Route]) -> dict[str, object]:
    schemas = [route.schema for route in routes]
    content: dict[str, object] = {
        "schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    }
    if routes[0].example is not None:
        content["example"] = routes[0].example
    return {"required": True, "content": {"application/json": content}}
