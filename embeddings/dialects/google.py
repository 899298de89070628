"""Google's Gemini routes for embeddings, token counts and models.

Source: Google's REST reference of the Generative Language API, and what google-genai,
google-generativeai and chromadb send to it.
"""

import math
from collections.abc import Sequence

from embeddings.dialects.base import (
    Dialect,
    Operation,
    Route,
    WireRequest,
)
from embeddings.dialects.google_bodies import TASK_TYPES, asked, batch, counted
from embeddings.engine.spec import Output
from embeddings.errors import ErrorCode
from embeddings.types import (
    EmbeddingRequest,
    EmbeddingResult,
    Failure,
    ModelFacts,
    Reply,
)

_PART = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string", "minLength": 1}},
}
_CONTENT = {
    "type": "object",
    "required": ["parts"],
    "properties": {
        "parts": {"type": "array", "minItems": 1, "items": _PART},
        "role": {"type": "string"},
    },
}
_EMBED_SCHEMA = {
    "type": "object",
    "required": ["content"],
    "properties": {
        "content": _CONTENT,
        "taskType": {"enum": [*TASK_TYPES, *range(len(TASK_TYPES))]},
        "title": {"type": "string"},
        "outputDimensionality": {"type": "integer", "minimum": 1},
        "autoTruncate": {"type": "boolean"},
    },
}
_BATCH_SCHEMA = {
    "type": "object",
    "required": ["requests"],
    "properties": {
        "requests": {"type": "array", "minItems": 1, "items": _EMBED_SCHEMA}
    },
}
_COUNT_SCHEMA = {
    "type": "object",
    "required": ["contents"],
    "properties": {"contents": {"type": "array", "minItems": 1, "items": _CONTENT}},
}
_HELLO = {"parts": [{"text": "hello world"}]}

_SINGLE = ":embedContent"
#: The variant that is answered with one vector instead of a list.
SINGLE = "single"
_KEY_FIELD = "key"
#: OpenAI's wire has them too.
_SHARED = frozenset({"v1/models", "v1/models/{model}"})

#: Status and code as google.rpc names them; everything else is an invalid argument.
_STATUS = {
    ErrorCode.MISSING_KEY: (401, "UNAUTHENTICATED"),
    ErrorCode.INVALID_KEY: (401, "UNAUTHENTICATED"),
    ErrorCode.FORBIDDEN: (403, "PERMISSION_DENIED"),
    ErrorCode.MODEL_NOT_FOUND: (404, "NOT_FOUND"),
    ErrorCode.NOT_FOUND: (404, "NOT_FOUND"),
    ErrorCode.METHOD_NOT_ALLOWED: (405, "UNIMPLEMENTED"),
    ErrorCode.RATE_LIMITED: (429, "RESOURCE_EXHAUSTED"),
    ErrorCode.QUOTA_EXCEEDED: (429, "RESOURCE_EXHAUSTED"),
    ErrorCode.IDEMPOTENCY_RUNNING: (409, "ABORTED"),
    ErrorCode.CLIENT_GONE: (499, "CANCELLED"),
    ErrorCode.OVERLOADED: (503, "UNAVAILABLE"),
    ErrorCode.UNAVAILABLE: (503, "UNAVAILABLE"),
    ErrorCode.PROVIDER: (502, "INTERNAL"),
    ErrorCode.INTERNAL: (500, "INTERNAL"),
}


def _routes(version: str) -> tuple[Route, ...]:
    return (
        Route(
            method="POST",
            path=f"{version}/models/{{model}}{_SINGLE}",
            operation=Operation.EMBED,
            summary="Embed one content",
            schema=_EMBED_SCHEMA,
            example={"content": _HELLO},
        ),
        Route(
            method="POST",
            path=f"{version}/models/{{model}}:batchEmbedContents",
            operation=Operation.EMBED,
            summary="Embed several contents",
            schema=_BATCH_SCHEMA,
            example={"requests": [{"content": _HELLO}]},
        ),
        Route(
            method="POST",
            path=f"{version}/models/{{model}}:countTokens",
            operation=Operation.COUNT_TOKENS,
            summary="Count tokens; nothing is embedded or billed",
            schema=_COUNT_SCHEMA,
            example={"contents": [_HELLO]},
        ),
        Route(
            method="GET",
            path=f"{version}/models",
            operation=Operation.LIST_MODELS,
            summary="List the models this key may use",
        ),
        Route(
            method="GET",
            path=f"{version}/models/{{model}}",
            operation=Operation.SHOW_MODEL,
            summary="Show one model",
        ),
    )


class Google(Dialect):
    """Gemini's embeddings: google-genai, google-generativeai, chromadb's function."""

    name = "google"
    title = "Google"
    routes = (*_routes("v1beta"), *_routes("v1"))
    prefixes = ("/v1beta",)
    marks = ("x-goog-api-key", "x-goog-api-client")
    marked_prefixes = ("/v1",)
    key_field = _KEY_FIELD

    def claims(self, wire: WireRequest) -> bool:
        """Where OpenAI's wire has the same path, a key or a header tells them apart."""
        return (
            wire.route.path not in _SHARED
            or any(mark in wire.headers for mark in self.marks)
            or _KEY_FIELD in wire.query
        )

    def parse(self, wire: WireRequest) -> EmbeddingRequest:
        """Contents, each of which is one text, and what they are for.

        The path names the model, whatever the body says.
        """
        body, model = wire.object(), wire.path["model"]
        if wire.route.operation is Operation.COUNT_TOKENS:
            return EmbeddingRequest(model=model, inputs=counted(body))
        is_single = wire.route.path.endswith(_SINGLE)
        texts, ask = asked(body) if is_single else batch(body)
        return EmbeddingRequest(
            model=model,
            inputs=texts,
            role=ask.role,
            dimensions=ask.dimensions,
            truncate=ask.truncate,
            variant=SINGLE if is_single else "",
        )

    def render(self, result: EmbeddingResult, request: EmbeddingRequest) -> Reply:
        """One embedding or a list of them, and the tokens that were processed."""
        tokens = result.total_tokens
        usage = {"promptTokenCount": tokens, "totalTokenCount": tokens}
        vectors = [{"values": vector} for vector in result.vectors]
        if request.variant == SINGLE:
            return Reply(body={"embedding": vectors[0], "usageMetadata": usage})
        return Reply(body={"embeddings": vectors, "usageMetadata": usage})

    def render_count(self, tokens: int) -> Reply:
        """The total of all contents."""
        return Reply(body={"totalTokens": tokens})

    def render_models(self, models: Sequence[ModelFacts]) -> Reply:
        """All models on one page."""
        return Reply(body={"models": [_model(facts) for facts in models]})

    def render_model(self, model: ModelFacts) -> Reply:
        """One model."""
        return Reply(body=_model(model))

    def render_error(self, failure: Failure) -> Reply:
        """The error object of Google's APIs; its clients look there for the delay."""
        code = ErrorCode(failure.code)
        status, name = _STATUS.get(code, (400, "INVALID_ARGUMENT"))
        details = []
        if failure.retry_after_s is not None:
            seconds = max(1, math.ceil(failure.retry_after_s))
            details.append(
                {
                    "@type": "type.googleapis.com/google.rpc.RetryInfo",
                    "retryDelay": f"{seconds}s",
                }
            )
        return Reply(
            status=status,
            body={
                "error": {
                    "code": status,
                    "message": failure.message,
                    "status": name,
                    "details": details,
                }
            },
        )


def _model(facts: ModelFacts) -> dict[str, object]:
    is_dense = Output.DENSE in facts.outputs
    return {
        "name": f"models/{facts.name}",
        "displayName": facts.name,
        "inputTokenLimit": facts.max_tokens,
        "supportedGenerationMethods": ["embedContent", "countTokens"]
        if is_dense
        else [],
    }
