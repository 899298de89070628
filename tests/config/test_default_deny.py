"""Without a key nothing answers but what is listed here, whatever routes there are."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.regex_helper import normalize

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
SAFE = ("GET", "HEAD")
PUBLIC = {"/", "/api/version", "/healthz", "/readyz", "/docs", "/openapi.json"}
#: Guarded by a token of its own, or for this machine.
GUARDED = {"/metrics"}
#: Signing in and out is open; the admin's other pages lead there.
SIGN_IN, SIGN_OUT = "/admin/login/", "/admin/logout/"
#: For people, who take Django's own refusals.
PAGES = ("/admin", "/docs")


def _leaves(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    """The regular expressions of all routes, joined from the root."""
    for pattern in resolver.url_patterns:
        regex = pattern.pattern.regex.pattern.removeprefix("^")
        if isinstance(pattern, URLPattern):
            yield prefix + regex
        else:
            yield from _leaves(pattern, prefix + regex)


def _paths() -> list[str]:
    """A path for every route there is."""
    found = set()
    for regex in _leaves(get_resolver()):
        ((form, names),) = normalize(regex)[:1]
        found.add("/" + form % dict.fromkeys(names, "1"))
    return sorted(found)


def _is_page(path: str) -> bool:
    return path.startswith(PAGES)


@pytest.fixture
def stranger(settings, db: None) -> Client:
    """A client without a key, told where it is led."""
    plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": plain}}
    return Client()


def test_the_walk_finds_the_routes() -> None:
    paths = _paths()

    assert PUBLIC - {"/api/version"} <= {*paths}
    assert {"/v1/embeddings", "/api/embed", "/embed"} <= {p.rstrip("/") for p in paths}
    assert SIGN_IN in paths


@pytest.mark.parametrize("path", _paths())
@pytest.mark.parametrize("method", METHODS)
def test_a_stranger_is_refused(method: str, path: str, stranger: Client) -> None:
    response = stranger.generic(method, path)

    if path in GUARDED:
        response = stranger.generic(method, path, REMOTE_ADDR="203.0.113.9")
    is_public = path.rstrip("/") in PUBLIC or path in {"/", SIGN_IN}
    if is_public and method in SAFE:
        assert response.status_code in {200, 503}
    elif response.status_code in {301, 302}:
        assert path.startswith("/admin")
        assert response["Location"].startswith("/admin/")
    elif path not in {SIGN_IN, SIGN_OUT}:
        assert response.status_code in {401, 403, 404, 405}


@pytest.mark.parametrize("path", [p for p in _paths() if not _is_page(p)])
@pytest.mark.parametrize("method", METHODS)
def test_clients_never_read_html(method: str, path: str, stranger: Client) -> None:
    response = Client(enforce_csrf_checks=True).generic(method, path)

    assert not response.get("Content-Type", "").startswith("text/html")


def test_nothing_redirects_a_client(stranger: Client) -> None:
    for path in ("/embed/", "/api/embed/", "/v1/embeddings/", "/v1/embeddings//"):
        assert stranger.post(path).status_code in {401, 404}
