"""One path per dialect route, with an optional trailing slash and no redirects."""

import re
from collections import defaultdict

from django.urls import URLPattern, re_path
from django.views.decorators.csrf import csrf_exempt

from embeddings.dialects import all_dialects
from embeddings.dialects.base import Dialect
from embeddings.openapi import OpenApiView
from embeddings.tenant_api import routes as tenant_api
from embeddings.views import Candidate, WireView


def _pattern(path: str) -> str:
    """A route's path as a regular expression; `{name}` may hold slashes."""
    parts = re.split(r"\{(\w+)\}", path)
    pattern = "".join(
        f"(?P<{part}>.+?)" if index % 2 else re.escape(part)
        for index, part in enumerate(parts)
    )
    return rf"^{pattern}/?$" if path else r"^$"


def _wire_patterns() -> list[URLPattern]:
    by_path: dict[str, list[Candidate]] = defaultdict(list)
    for dialect in all_dialects():
        for route in dialect.routes:
            by_path[route.path].append(Candidate(dialect, route))
    return [
        re_path(_pattern(path), WireView.as_view(candidates=_in_order(candidates)))
        # What goes on after `{model}` comes before what ends there: it holds anything.
        for path, candidates in sorted(by_path.items(), reverse=True)
    ]


def _in_order(candidates: list[Candidate]) -> tuple[Candidate, ...]:
    """Those that tell their requests apart go before those that take the rest."""
    return tuple(
        sorted(candidates, key=lambda one: type(one.dialect).claims is Dialect.claims)
    )


urlpatterns = [
    re_path(r"^openapi\.json$", csrf_exempt(OpenApiView.as_view()), name="openapi"),
    *tenant_api.urlpatterns,
    *_wire_patterns(),
    # Whatever no route has: a wire's own "not found", never Django's page.
    re_path(r"", WireView.as_view()),
]
