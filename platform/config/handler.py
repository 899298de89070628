"""Django's WSGI handler, with requests that are UTF-8."""

from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters


class Utf8Request(WSGIRequest):
    """A request that is UTF-8 whatever charset its content type claims.

    Django would decode the query string with any codec that Python has, compressors
    among them, and fail before a handler could answer.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        parsed = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        self.content_type, self.content_params = parsed


class Utf8Handler(WSGIHandler):
    """Django's handler with such requests."""

    request_class = Utf8Request
