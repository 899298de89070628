"""Ollama's embed API. Source: ollama's server/routes.go and api/types.go."""

import re
from collections.abc import Mapping
from typing import TypeVar

from embeddings.dialects.base import Dialect, Json, Operation, Route, WireRequest
from embeddings.dialects.go_duration import keep_alive_seconds
from embeddings.dialects.ollama_options import window
from embeddings.engine.spec import Truncate
from embeddings.errors import (
    ErrorCode,
    InvalidRequestError,
    MalformedBodyError,
    ModelNotFoundError,
)
from embeddings.types import EmbeddingRequest, EmbeddingResult, Failure, Reply

T = TypeVar("T")

#: The Ollama whose API this is; clients choose features by it.
COMPATIBLE_VERSION = "0.32.15"

#: As Ollama spells it, both spaces included.
BUSY = "server busy, please try again.  maximum pending requests exceeded"

#: Sizes beyond Go's int are refused, as Ollama's decoder does.
LARGEST_INT = 2**63 - 1

_PART = r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,79}"
_HOST = r"[A-Za-z0-9_][A-Za-z0-9_.:\-]{0,349}"
_SPACE = r"[A-Za-z0-9_][A-Za-z0-9_\-]{0,79}"
_NAME = re.compile(rf"(?:(?:{_HOST}/)?{_SPACE}/)?{_PART}(?::{_PART})?")

_SCHEMA = {
    "type": "object",
    "required": ["model"],
    "properties": {
        "model": {"type": "string"},
        "input": {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}},
                {"type": "null"},
            ],
            "description": "Empty or absent: the model is loaded, nothing embedded.",
        },
        "truncate": {"type": ["boolean", "null"], "default": True},
        "dimensions": {"type": ["integer", "null"]},
        "keep_alive": {"type": ["number", "string", "null"], "default": "5m"},
        "options": {"type": ["object", "null"]},
    },
}
_GO_TYPES = {str: "string", bool: "bool", list: "array", dict: "object"}


class Ollama(Dialect):
    """Ollama's clients: `POST /api/embed`, and what they probe a server with."""

    name = "ollama"
    title = "Ollama"
    routes = (
        Route(
            method="POST",
            path="api/embed",
            operation=Operation.EMBED,
            summary="Embed one text or a list of texts",
            schema=_SCHEMA,
            example={"model": "all-minilm", "input": "hello world"},
        ),
        Route(
            method="GET",
            path="api/version",
            operation=Operation.VERSION,
            summary="The version of Ollama's API",
            is_public=True,
        ),
        Route(
            method="GET",
            path="",
            operation=Operation.VERSION,
            summary="Say that the server runs",
            is_public=True,
        ),
    )
    prefixes = ("/api",)

    def parse(self, wire: WireRequest) -> EmbeddingRequest:
        """Fields in any case of letters, judged in the order in which Ollama does."""
        body = _object(wire)
        keep_alive_s = keep_alive_seconds(body.get("keep_alive"))
        model = _typed(body, "model", str, "string")
        truncate = _typed(body, "truncate", bool, "bool")
        dimensions = _typed(body, "dimensions", int, "int")
        options = _typed(body, "options", dict, "map[string]interface {}")
        name = _model_name(model)
        inputs = _inputs(body.get("input"))
        cut = {None: None, True: Truncate.END, False: Truncate.ERROR}[truncate]
        return EmbeddingRequest(
            model=name,
            inputs=inputs,
            dimensions=dimensions if dimensions and dimensions > 0 else None,
            ignores_odd_dimensions=True,
            truncate=cut,
            wire_truncate=Truncate.END,
            max_tokens=window(options or {}, inputs),
            keep_alive_s=keep_alive_s,
            loads_only=not inputs,
        )

    def render(self, result: EmbeddingResult, request: EmbeddingRequest) -> Reply:
        """Vectors and, unless the model was only loaded, durations in nanoseconds."""
        body: dict[str, object] = {"model": result.model, "embeddings": result.vectors}
        if not request.loads_only:
            body |= {
                "total_duration": result.total_ns,
                "load_duration": result.load_ns,
                "prompt_eval_count": result.total_tokens,
            }
        return _reply({name: value for name, value in body.items() if _is_set(value)})

    def render_version(self, wire: WireRequest) -> Reply:
        """The line that clients take for a sign of life, or the version."""
        if wire.route.path == "":
            return Reply(
                body=b"Ollama is running", content_type="text/plain; charset=utf-8"
            )
        return _reply({"version": COMPATIBLE_VERSION})

    def render_error(self, failure: Failure) -> Reply:
        """`error` in Ollama's own words where it has some, since clients grep them."""
        code = ErrorCode(failure.code)
        message = failure.message
        if code is ErrorCode.MODEL_NOT_FOUND:
            message = "model '' not found"
            if failure.model:
                message = f'model "{failure.model}" not found, try pulling it first'
        elif code is ErrorCode.INPUT_TOO_LONG:
            message = f"the input length exceeds the context length: {message}"
        elif code is ErrorCode.OVERLOADED:
            message = BUSY
        elif code is ErrorCode.NOT_FOUND:
            message = "404 page not found"
        elif code is ErrorCode.METHOD_NOT_ALLOWED:
            message = "405 method not allowed"
        status = {
            ErrorCode.INPUT_TOO_LONG: 400,
            ErrorCode.UNSUPPORTED: 400,
            ErrorCode.DIMENSIONS: 400,
            ErrorCode.IDEMPOTENCY_MISMATCH: 400,
        }.get(code, failure.status)
        return _reply({"error": message}, status=status)


def _reply(body: Mapping[str, object], *, status: int = 200) -> Reply:
    return Reply(
        body=body, status=status, content_type="application/json; charset=utf-8"
    )


def _is_set(value: object) -> bool:
    """Go omits numbers that are zero; everything else is sent."""
    return not isinstance(value, int) or value != 0


def _object(wire: WireRequest) -> dict[str, object]:
    """The body by lower-case field names; Go takes null for an empty object."""
    body = wire.json
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise MalformedBodyError(
            f"json: cannot unmarshal {_GO_TYPES.get(type(body), 'number')}"
            " into Go value of type api.EmbedRequest"
        )
    return {name.lower(): value for name, value in body.items()}


def _typed(body: Json, name: str, kind: type[T], go_kind: str) -> T | None:
    """A field of just this type, None when absent or null."""
    value = body.get(name)
    if value is None:
        return None
    if type(value) is not kind or (isinstance(value, int) and abs(value) > LARGEST_INT):
        number = f"number {value}" if kind is int else "number"
        given = _GO_TYPES.get(type(value), number)
        raise MalformedBodyError(
            f"json: cannot unmarshal {given} into Go struct field"
            f" EmbedRequest.{name} of type {go_kind}",
            param=name,
        )
    return value


def _model_name(name: str | None) -> str:
    """The name as sent, when Ollama would take it for one."""
    if not name:
        raise ModelNotFoundError("")
    if _NAME.fullmatch(name.strip(" ")) is None:
        raise InvalidRequestError("invalid model name", param="model")
    return name


def _inputs(value: object) -> tuple[str, ...]:
    """Texts to embed; none at all asks for the model to be loaded."""
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise InvalidRequestError("invalid input type", param="input")
