"""What the views of the tenant's API share: who may call, and the error funnel."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, cast

from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.parsers import JSONParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.authentication import ApiKeyAuthentication, Caller
from accounts.errors import ForbiddenError, MissingApiKeyError, UnavailableError
from accounts.metering import new_event_id
from accounts.throttling import BurstThrottle
from embeddings import errors, metrics, request_body
from embeddings.problems import PROBLEMS
from embeddings.replies import error_reply, respond
from embeddings.types import ErrorShape, Reply

#: Nothing that is sent here is long.
MAX_BODY_BYTES = 64 * 1024


class HasAnyScope(BasePermission):
    """Admits keys with one of the view's `scopes`; any key where it lists none."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """True, or raise `MissingApiKeyError` or `ForbiddenError`."""
        caller = request.auth
        if not isinstance(caller, Caller):
            raise MissingApiKeyError
        scopes = cast("TenantView", view).scopes
        if scopes and not scopes & caller.scopes:
            wanted = " or ".join(sorted(scopes))
            raise ForbiddenError(f"the API key lacks the scope {wanted}")
        return True


class TenantView(APIView):
    """A view whose handlers return a `Reply`, for keys with one of its `scopes`."""

    scopes: ClassVar[frozenset[str]]
    shape: ClassVar[ErrorShape] = PROBLEMS
    #: The label under which its answers are counted.
    wire: ClassVar[str] = "tenant"

    http_method_names = ["get", "head", "post", "delete"]
    authentication_classes = (ApiKeyAuthentication,)
    permission_classes = (HasAnyScope,)
    throttle_classes = (BurstThrottle,)
    renderer_classes = (JSONRenderer,)
    parser_classes = (JSONParser,)
    body = b""

    def dispatch(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Answer in the view's own shape, whatever happens; never to be cached."""
        started_at = time.monotonic()
        request_id = str(new_event_id(datetime.now(UTC)))
        self.args, self.kwargs = args, kwargs
        try:
            self.request = self.initialize_request(request, *args, **kwargs)
            with _database_errors():
                reply = self._answer(self.request, kwargs)
        except Exception as error:  # noqa: BLE001 - the funnel logs what it knows not
            request_body.drain(request.META)
            reply = error_reply(error, shape=self.shape, request_id=request_id)
        reply = replace(reply, headers={**reply.headers, "Cache-Control": "no-store"})
        metrics.answered(
            wire=self.wire,
            method=request.method,
            status=reply.status,
            seconds=time.monotonic() - started_at,
        )
        return respond(reply, request_id=request_id)

    @property
    def caller(self) -> Caller:
        """Who calls; only behind authentication."""
        return cast("Caller", self.request.auth)

    def _answer(self, request: Request, path: Mapping[str, Any]) -> Reply:
        """Authenticate, read the body and call the method's handler."""
        method = (request.method or "").lower()
        if method not in self._methods():
            allowed = sorted(name.upper() for name in self._methods())
            raise errors.MethodError(allowed=allowed)
        self.perform_authentication(request)
        self.check_permissions(request)
        self.check_throttles(request)
        limit = min(MAX_BODY_BYTES, settings.MAX_BODY_BYTES)
        self.body = request_body.read(request.META, limit=limit)
        return cast("Reply", getattr(self, method)(request, **path))

    def _methods(self) -> set[str]:
        return {name for name in self.http_method_names if hasattr(self, name)}


class NotFoundView(TenantView):
    """Whatever no route of the tenant's API has."""

    scopes = frozenset()

    def _answer(self, request: Request, path: Mapping[str, Any]) -> Reply:  # noqa: ARG002
        raise errors.PathNotFoundError


@contextmanager
def _database_errors() -> Iterator[None]:
    """A database that is away, or takes no writes, is tried again later."""
    try:
        yield
    except (OperationalError, InterfaceError, InternalError) as error:
        raise UnavailableError from error
