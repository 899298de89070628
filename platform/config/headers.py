"""Headers that tell browsers what our pages may do."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

_COMMON = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; img-src 'self' data:"
)
#: Nothing but our own files; Swagger UI sets styles on its elements.
STRICT = f"{_COMMON}; script-src 'self'; style-src 'self' 'unsafe-inline'"
#: The admin's pages evaluate the expressions in their attributes.
ADMIN = (
    f"{_COMMON}; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'"
)
PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


class SecurityHeadersMiddleware:
    """Adds the content security policy to every answer that is a page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request."""
        response = self._get_response(request)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            is_admin = request.path.startswith("/admin/")
            policy = ADMIN if is_admin else STRICT
            response.headers.setdefault("Content-Security-Policy", policy)
            response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        return response
