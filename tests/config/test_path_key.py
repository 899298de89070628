"""Keys leave the path before anything else sees it."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.views.debug import SafeExceptionReporterFilter

from accounts.authentication import PATH_KEY
from config.path_key import AS_SENT, UNKNOWN, PathKeyMiddleware


def seen(path: str, **environ: str) -> HttpRequest:
    """The request that the rest of the server gets."""
    found: list[HttpRequest] = []

    def answer(request: HttpRequest) -> HttpResponse:
        found.append(request)
        return HttpResponse()

    sent = RequestFactory().get(path, **dict.fromkeys(AS_SENT, path), **environ)
    PathKeyMiddleware(answer)(sent)
    return found[0]


def everything(request: HttpRequest) -> str:
    """What a log or a debug page could show of it, but for the key's own place."""
    meta = {name: value for name, value in request.META.items() if name != PATH_KEY}
    return f"{request!r} {request.build_absolute_uri()} {meta}"


@pytest.mark.parametrize(
    ("path", "moved"),
    [
        ("/t/KEY", "/"),
        ("/t/KEY/", "/"),
        ("/t/KEY/api", "/api"),
        ("/t/KEY/api/embed", "/api/embed"),
        ("/t/%4BEY/api/show?x=1", "/api/show"),
        ("/%74/KEY/api//x", "/api//x"),
        ("/t/KEY/api/a%0Ab", "/api/a\nb"),
    ],
)
def test_the_key_is_moved_out_of_ollamas_paths(path, moved, settings) -> None:
    settings.KEY_IN_PATH = True

    request = seen(path)

    assert request.META[PATH_KEY] == "KEY"
    assert request.path == request.path_info == request.META["PATH_INFO"] == moved
    assert "KEY" not in everything(request)
    assert "%4BEY" not in everything(request)


@pytest.mark.parametrize(
    ("path", "is_allowed"),
    [
        ("/t/KEY/api/embed", False),
        ("/t/KEY", False),
        ("/t/KEY/v1/embeddings", True),
        ("/t/KEY/apis", True),
        ("/t/KEY/admin/", True),
        ("/t/KEY/t/KEY/api/tags", True),
    ],
)
def test_what_is_not_served_is_hidden_all_the_same(path, is_allowed, settings) -> None:
    settings.KEY_IN_PATH = is_allowed

    request = seen(path)

    assert request.path == request.path_info == UNKNOWN
    assert PATH_KEY not in request.META
    assert "KEY" not in everything(request)


@pytest.mark.parametrize("path", ["/", "/t", "/tenant/v1/me", "/x/t/KEY/api", "/T/KEY"])
def test_other_paths_are_left_alone(path: str, settings) -> None:
    settings.KEY_IN_PATH = True

    request = seen(path)

    assert request.path == request.path_info == path
    assert PATH_KEY not in request.META


def test_a_mounted_server_keeps_its_root(settings) -> None:
    settings.KEY_IN_PATH = True

    request = seen("/t/KEY/api/tags", SCRIPT_NAME="/root")

    assert (request.path, request.path_info) == ("/root/api/tags", "/api/tags")


def test_djangos_debug_page_has_no_key_either(settings) -> None:
    settings.KEY_IN_PATH = settings.DEBUG = True

    shown = SafeExceptionReporterFilter().get_safe_request_meta(seen("/t/KEY/api/tags"))

    assert "KEY" not in str(shown)


def test_it_comes_before_everything_else(settings) -> None:
    assert settings.MIDDLEWARE[0] == "config.path_key.PathKeyMiddleware"


def test_it_is_off_by_default(settings) -> None:
    assert settings.KEY_IN_PATH is False
