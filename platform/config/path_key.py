"""Keys in the path, `/t/{key}/api/…`, for clients that have no other place for one."""

import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from accounts.authentication import PATH_KEY

#: A key, and what it stands before.
WITH_KEY = re.compile(r"/t/(?P<key>[^/]*)(?P<path>/.*|)", re.DOTALL)
#: Paths of Ollama's; others take no key from the path.
SERVED = re.compile(r"/?|/api(/.*)?", re.DOTALL)
#: What such a path becomes where it is not served.
UNKNOWN = "/t/***"
#: Where servers keep the path as it was sent.
AS_SENT = ("RAW_URI", "REQUEST_URI")


class PathKeyMiddleware:
    """Takes the key out of the path before anything else sees, or logs, the request.

    Where KEY_IN_PATH is off such paths are unknown ones, and no less hidden.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request, as if its key had come in a header."""
        found = WITH_KEY.fullmatch(request.path_info)
        if found is not None:
            is_served = settings.KEY_IN_PATH and SERVED.fullmatch(found["path"])
            if is_served:
                request.META[PATH_KEY] = found["key"]
            _replace_path(request, (found["path"] or "/") if is_served else UNKNOWN)
        return self._get_response(request)


def _replace_path(request: HttpRequest, path: str) -> None:
    root = request.META.get("SCRIPT_NAME", "").rstrip("/")
    request.path, request.path_info = root + path, path
    request.META["PATH_INFO"] = path
    for name in AS_SENT:
        if name in request.META:
            request.META[name] = root + path
