"""The one API view: authenticate, parse, call, render; and its error funnel."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, cast
from urllib.parse import parse_qsl

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.authentication import (
    ADDRESS_KEY,
    PATH_KEY,
    ApiKeyAuthentication,
    Caller,
    HasScope,
)
from accounts.limit_headers import limit_headers
from accounts.metering import new_event_id
from accounts.models import Scope
from accounts.throttling import BurstThrottle
from embeddings import errors, metrics, request_body, service
from embeddings.catalog.lookup import models_of, resolve
from embeddings.dialects import dialect_below
from embeddings.dialects.base import Dialect, Operation, Route, WireRequest
from embeddings.hang_up import hang_up_detector
from embeddings.idempotency import claim_of
from embeddings.in_flight import Place, get_in_flight
from embeddings.problems import shape_below
from embeddings.process import loaded_of
from embeddings.replies import error_reply, respond
from embeddings.types import EmbeddingResult, Reply

logger = logging.getLogger(__name__)

MAX_QUERY_FIELDS = 100


@dataclass(frozen=True, slots=True)
class Candidate:
    """One wire's route among those that share a path."""

    dialect: Dialect
    route: Route


class WireView(APIView):
    """Every route of every wire; `candidates` are the routes that share its path."""

    candidates: ClassVar[tuple[Candidate, ...]] = ()
    authentication_classes = (ApiKeyAuthentication,)
    permission_classes = (HasScope,)
    throttle_classes = (BurstThrottle,)
    required_scope = Scope.EMBED
    operation: Operation | None = None
    _place: Place | None = None

    def dispatch(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Answer in the wire's own shape, whatever happens."""
        self.started_ns = time.monotonic_ns()
        self.event_id = new_event_id(datetime.now(UTC))
        self.dialect = _first_dialect(self.candidates, request)
        self.args, self.kwargs = args, kwargs
        try:
            self.request = self.initialize_request(request, *args, **kwargs)
            reply = self._answer(self.request, kwargs)
        except Exception as error:  # noqa: BLE001 - the funnel logs what it knows not
            request_body.drain(request.META)
            reply = error_reply(
                error,
                shape=self.dialect,
                request_id=str(self.event_id),
                operation=self.operation or "",
            )
        finally:
            if self._place is not None:
                self._place.leave_after(request.META)
        metrics.answered(
            wire=self.dialect.name,
            method=request.method,
            status=reply.status,
            seconds=(time.monotonic_ns() - self.started_ns) / 1e9,
        )
        return respond(reply, request_id=str(self.event_id))

    def _answer(self, request: Request, path: Mapping[str, str]) -> Reply:
        """Authenticate, read and hand over to the operation's handler."""
        candidate, wire = self._choose(request, path)
        self.dialect, self.operation = candidate.dialect, candidate.route.operation
        request.META[ADDRESS_KEY] = _key_in_address(wire, candidate, request.META)
        if not candidate.route.is_public:
            self.perform_authentication(request)
            self.check_permissions(request)
            self.check_throttles(request)
            self._enter(request.META, candidate.route)
        body = request_body.read(request.META, limit=settings.MAX_BODY_BYTES)
        wire = replace(wire, body=body)
        if len(self.candidates) > 1:
            candidate, wire = self._choose(request, path, body=body)
            self.dialect, self.operation = candidate.dialect, candidate.route.operation
        return _HANDLERS[candidate.route.operation](self, wire)

    def _choose(
        self, request: Request, path: Mapping[str, str], *, body: bytes = b""
    ) -> tuple[Candidate, WireRequest]:
        """The first route with this method whose wire claims the request."""
        method = "GET" if request.method == "HEAD" else request.method
        headers = {name.lower(): value for name, value in request.headers.items()}
        query = _query(request.META)
        for candidate in self.candidates:
            if candidate.route.method != method:
                continue
            wire = WireRequest(
                route=candidate.route,
                body=body,
                headers=headers,
                query=query,
                path=path,
            )
            if candidate.dialect.claims(wire):
                return candidate, wire
        if self.candidates:
            allowed = {candidate.route.method for candidate in self.candidates}
            if "GET" in allowed:
                allowed.add("HEAD")
            raise errors.MethodError(allowed=sorted(allowed))
        raise errors.PathNotFoundError

    def _enter(self, environ: Mapping[str, Any], route: Route) -> None:
        """Take one of the tenant's places; what only reads facts needs none."""
        if route.method == "POST":
            service.release_connection()
            self._place = get_in_flight().enter(
                self.caller.tenant_slug,
                weight=self.caller.limits.weight,
                wait_s=settings.READ_TIMEOUT_S / 2,
                is_gone=hang_up_detector(environ),
            )

    @property
    def caller(self) -> Caller:
        """Who calls; only behind authentication."""
        return cast("Caller", self.request.auth)


def _first_dialect(candidates: tuple[Candidate, ...], request: HttpRequest) -> Dialect:
    """Whose the errors are until a route is chosen: the only one's there, if any."""
    dialects = {candidate.dialect for candidate in candidates}
    if len(dialects) == 1:
        return dialects.pop()
    return dialect_below(request.path, request.headers)


def _key_in_address(
    wire: WireRequest, candidate: Candidate, environ: Mapping[str, Any]
) -> str:
    """The key that the request's address holds, where its wire has it there."""
    if candidate.dialect.key_field is not None:
        return wire.query.get(candidate.dialect.key_field, "")
    return environ.get(PATH_KEY, "") if candidate.dialect.takes_key_in_path else ""


def _query(environ: Mapping[str, Any]) -> dict[str, str]:
    """The query as UTF-8, whatever charset the content type names; the last one wins.

    Raises InvalidRequestError when it has too many fields.
    """
    try:
        pairs = parse_qsl(
            environ.get("QUERY_STRING", ""),
            keep_blank_values=True,
            max_num_fields=MAX_QUERY_FIELDS,
        )
    except ValueError as error:
        raise errors.InvalidRequestError("the query has too many fields") from error
    return dict(pairs)


def _embed(view: WireView, wire: WireRequest) -> Reply:
    request = view.dialect.parse(wire)
    origin = service.Origin(
        event_id=view.event_id,
        caller=view.caller,
        wire=view.dialect.name,
        started_ns=view.started_ns,
        is_gone=hang_up_detector(view.request.META),
        claim=claim_of(wire, request),
    )
    result = service.embed(request, origin)
    reply = view.dialect.render(result, request)
    return replace(reply, headers={**reply.headers, **_fact_headers(result)})


def _count_tokens(view: WireView, wire: WireRequest) -> Reply:
    request = view.dialect.parse(wire)
    return view.dialect.render_count(service.count_tokens(request, view.caller))


def _list_models(view: WireView, wire: WireRequest) -> Reply:  # noqa: ARG001
    return view.dialect.render_models(models_of(view.caller))


def _show_model(view: WireView, wire: WireRequest) -> Reply:
    name = view.dialect.model_shown(wire)
    facts = resolve(view.caller, name).described()
    most = service.most_texts(view.caller.limits)
    asked = replace(facts, name=name or facts.name, max_texts=most)
    return view.dialect.render_model(asked)


def _health(view: WireView, wire: WireRequest) -> Reply:
    service.check_health(wire.path.get("model"), view.caller)
    return view.dialect.render_health()


def _loaded_models(view: WireView, wire: WireRequest) -> Reply:  # noqa: ARG001
    return view.dialect.render_loaded(loaded_of(view.caller))


def _version(view: WireView, wire: WireRequest) -> Reply:
    return view.dialect.render_version(wire)


_HANDLERS: dict[Operation, Callable[[WireView, WireRequest], Reply]] = {
    Operation.EMBED: _embed,
    Operation.EMBED_SPARSE: _embed,
    Operation.LOAD: _embed,
    Operation.COUNT_TOKENS: _count_tokens,
    Operation.LIST_MODELS: _list_models,
    Operation.SHOW_MODEL: _show_model,
    Operation.LOADED_MODELS: _loaded_models,
    Operation.VERSION: _version,
    Operation.HEALTH: _health,
}


def _fact_headers(result: EmbeddingResult) -> dict[str, str]:
    """What no wire has a field for: texts that were cut, an instruction not used."""
    headers = limit_headers(result.standings)
    if cut := sum(result.truncated):
        headers["x-truncated-texts"] = str(cut)
    if result.is_replay:
        headers["idempotency-replayed"] = "true"
    if result.is_instruction_ignored:
        headers["x-instruction-ignored"] = "1"
    return headers


def refusal(request: HttpRequest, error: Exception) -> HttpResponse:
    """An error's answer outside of the API's views, in the shape of the path."""
    request_body.drain(request.META)
    request_id = str(new_event_id(datetime.now(UTC)))
    shape = shape_below(request.path, request.headers)
    reply = error_reply(error, shape=shape, request_id=request_id)
    return respond(reply, request_id=request_id)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    """Django's 400 (a foreign Host, say) in the wire's shape."""
    return refusal(request, errors.InvalidRequestError("bad request"))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's 500 in the wire's shape; Django has logged the cause."""
    return refusal(request, errors.InternalError())
