"""Ollama's API, as far as it is about embeddings.

Source: ollama's server/routes.go and api/types.go.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from embeddings.dialects import ollama_bodies as bodies
from embeddings.dialects import ollama_models as models_of
from embeddings.dialects.base import Dialect, Operation, Route, WireRequest
from embeddings.errors import ErrorCode
from embeddings.types import (
    EmbeddingRequest,
    EmbeddingResult,
    Failure,
    LoadedFacts,
    ModelFacts,
    Reply,
)

#: The Ollama whose API this is; clients choose features by it.
COMPATIBLE_VERSION = "0.32.15"

#: As Ollama spells it, both spaces included.
BUSY = "server busy, please try again.  maximum pending requests exceeded"

_MODEL = {"type": "string", "description": "In any case; `:latest` may be left out."}
_KEPT: dict[str, Any] = {
    "keep_alive": {"type": ["number", "string", "null"], "default": "5m"},
    "options": {"type": ["object", "null"]},
}


def _schema(*required: str, **properties: object) -> Mapping[str, object]:
    return {
        "type": "object",
        "required": list(required),
        "properties": {"model": _MODEL, **properties},
    }


_EMBED_SCHEMA = _schema(
    "model",
    input={
        "anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}},
            {"type": "null"},
        ],
        "description": "Empty or absent: the model is loaded, nothing embedded.",
    },
    truncate={"type": ["boolean", "null"], "default": True},
    dimensions={"type": ["integer", "null"]},
    **_KEPT,
)
_EMBEDDINGS_SCHEMA = _schema("model", prompt={"type": ["string", "null"]}, **_KEPT)
_GENERATE_SCHEMA = _schema(
    "model", prompt={"enum": ["", None]}, stream={"type": ["boolean", "null"]}, **_KEPT
)
_CHAT_SCHEMA = _schema(
    "model",
    messages={"type": ["array", "null"], "maxItems": 0},
    stream={"type": ["boolean", "null"]},
    **_KEPT,
)


def _post(
    path: str,
    operation: Operation,
    summary: str,
    schema: Mapping[str, object],
    **example: str,
) -> Route:
    return Route(
        method="POST",
        path=path,
        operation=operation,
        summary=summary,
        schema=schema,
        example={"model": "all-minilm", **example},
    )


def _get(
    path: str, operation: Operation, summary: str, *, is_public: bool = False
) -> Route:
    return Route(
        method="GET",
        path=path,
        operation=operation,
        summary=summary,
        is_public=is_public,
    )


_LOAD = "Load a model, or with keep_alive 0 unload it"
_PARSERS: dict[str, Callable[[WireRequest], EmbeddingRequest]] = {
    "api/embed": bodies.embed_request,
    "api/embeddings": bodies.embeddings_request,
    "api/generate": bodies.generate_request,
    "api/chat": bodies.chat_request,
}


class Ollama(Dialect):
    """Ollama's clients: embedding, loading, and what they ask about models."""

    name = "ollama"
    title = "Ollama"
    routes = (
        _post(
            "api/embed",
            Operation.EMBED,
            "Embed one text or a list of texts",
            _EMBED_SCHEMA,
            input="hello world",
        ),
        _post(
            "api/embeddings",
            Operation.EMBED,
            "Embed one text, the older way",
            _EMBEDDINGS_SCHEMA,
            prompt="hello world",
        ),
        _post("api/generate", Operation.LOAD, _LOAD, _GENERATE_SCHEMA),
        _post("api/chat", Operation.LOAD, _LOAD, _CHAT_SCHEMA),
        _post("api/show", Operation.SHOW_MODEL, "One model's facts", _schema("model")),
        _get("api/tags", Operation.LIST_MODELS, "The models that the key may use"),
        _get("api/ps", Operation.LOADED_MODELS, "Those of them that are in memory"),
        _get(
            "api/version",
            Operation.VERSION,
            "The version of Ollama's API",
            is_public=True,
        ),
        _get("", Operation.VERSION, "Say that the server runs", is_public=True),
    )
    prefixes = ("/api",)
    takes_key_in_path = True

    def parse(self, wire: WireRequest) -> EmbeddingRequest:
        """Fields in any case of letters, judged in the order in which Ollama does."""
        return _PARSERS[wire.route.path](wire)

    def model_shown(self, wire: WireRequest) -> str:
        """The name stands in the body."""
        return bodies.shown_name(wire)

    def render(self, result: EmbeddingResult, request: EmbeddingRequest) -> Reply:
        """Vectors with durations in nanoseconds, or that the model is loaded."""
        if request.variant == bodies.EMBEDDINGS:
            vectors = result.vectors
            return _reply({"embedding": vectors[0] if len(vectors) else []})
        if request.variant in {bodies.GENERATE, bodies.CHAT}:
            return _reply(_load_body(result, request))
        body: dict[str, object] = {"model": result.model, "embeddings": result.vectors}
        if not request.loads_only:
            body |= {
                "total_duration": result.total_ns,
                "load_duration": result.load_ns,
                "prompt_eval_count": result.total_tokens,
            }
        return _reply({name: value for name, value in body.items() if _is_set(value)})

    def render_models(self, models: Sequence[ModelFacts]) -> Reply:
        """`/api/tags`."""
        return _reply(models_of.listed(models))

    def render_model(self, model: ModelFacts) -> Reply:
        """`/api/show`."""
        return _reply(models_of.shown(model))

    def render_loaded(self, models: Sequence[LoadedFacts]) -> Reply:
        """`/api/ps`."""
        return _reply(models_of.loaded(models))

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
            message = _not_found(failure.model or "", failure.operation)
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


def _load_body(result: EmbeddingResult, request: EmbeddingRequest) -> dict[str, object]:
    """An answer with nothing generated."""
    nothing: dict[str, object] = {"response": ""}
    if request.variant == bodies.CHAT:
        nothing = {"message": {"role": "assistant", "content": ""}}
    return {
        "model": result.model,
        "created_at": models_of.timestamp(result.created_at),
        **nothing,
        "done": True,
        "done_reason": "unload" if request.keep_alive_s == 0 else "load",
    }


def _not_found(model: str, operation: str) -> str:
    """Each of Ollama's handlers says it in words of its own."""
    if operation == Operation.SHOW_MODEL:
        return f"model '{models_of.tagged(model)}' not found"
    if operation == Operation.LOAD or not model:
        return f"model '{model}' not found"
    return f'model "{model}" not found, try pulling it first'


def _reply(body: Mapping[str, object], *, status: int = 200) -> Reply:
    return Reply(
        body=body, status=status, content_type="application/json; charset=utf-8"
    )


def _is_set(value: object) -> bool:
    """Go omits numbers that are zero; everything else is sent."""
    return not isinstance(value, int) or value != 0
