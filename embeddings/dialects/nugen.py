"""Nugen's inference API. Source: docs.nugen.in and its OpenAPI."""

from embeddings.dialects.base import (
    Dialect,
    Operation,
    Route,
    WireRequest,
    optional_integer,
    optional_text,
    strings,
)
from embeddings.errors import ErrorCode, InvalidRequestError, ModelRequiredError
from embeddings.types import EmbeddingRequest, EmbeddingResult, Failure, Reply

_TEXT = {"type": "string", "minLength": 1}
_SCHEMA = {
    "type": "object",
    "required": ["model", "input"],
    "properties": {
        "model": _TEXT,
        "input": {
            "anyOf": [
                _TEXT,
                {"type": "array", "minItems": 1, "items": _TEXT},
            ]
        },
        "dimensions": {"type": ["integer", "null"], "minimum": 1},
    },
}
_EXAMPLE = {"model": "all-MiniLM-L6-v2", "input": "hello world"}

#: The documented shape of a refusal is FastAPI's 422.
_STATUS = {
    ErrorCode.MALFORMED: 422,
    ErrorCode.INVALID: 422,
    ErrorCode.MODEL_REQUIRED: 422,
    ErrorCode.TOO_MANY_TEXTS: 422,
    ErrorCode.DIMENSIONS: 422,
    ErrorCode.UNSUPPORTED: 422,
    ErrorCode.INPUT_TOO_LONG: 400,
}
_LOCATION = {
    ErrorCode.MALFORMED: ["body"],
    ErrorCode.MISSING_KEY: ["header", "authorization"],
    ErrorCode.INVALID_KEY: ["header", "authorization"],
    ErrorCode.MODEL_NOT_FOUND: ["body", "model"],
    ErrorCode.MODEL_REQUIRED: ["body", "model"],
    ErrorCode.TOO_MANY_TEXTS: ["body", "input"],
    ErrorCode.INPUT_TOO_LONG: ["body", "input"],
    ErrorCode.DIMENSIONS: ["body", "dimensions"],
    ErrorCode.IDEMPOTENCY_MISMATCH: ["header", "idempotency-key"],
    ErrorCode.IDEMPOTENCY_RUNNING: ["header", "idempotency-key"],
}


def _embed_route(path: str) -> Route:
    return Route(
        method="POST",
        path=path,
        operation=Operation.EMBED,
        summary="Embed one text or a list of texts",
        schema=_SCHEMA,
        example=_EXAMPLE,
    )


class Nugen(Dialect):
    """Nugen's embeddings route, with the two older paths its callers still use."""

    name = "nugen"
    title = "Nugen"
    routes = (
        _embed_route("api/v3/inference/embeddings"),
        _embed_route("api/v3/inference/inference/embeddings"),
        _embed_route("inference/embeddings"),
    )
    prefixes = ("/api/v3", "/inference")

    def parse(self, wire: WireRequest) -> EmbeddingRequest:
        """A model, one text or several, and perhaps a size."""
        body = wire.object()
        model = optional_text(body, "model")
        if not model:
            raise ModelRequiredError("'model' is required", param="model")
        value = body.get("input")
        texts = (value,) if isinstance(value, str) else strings(value)
        if not texts or not all(texts):
            raise InvalidRequestError(
                "'input' must be a non-empty string or a non-empty list of them",
                param="input",
            )
        dimensions = optional_integer(body, "dimensions")
        if dimensions is not None and dimensions < 1:
            raise InvalidRequestError(
                "'dimensions' must be at least 1", param="dimensions"
            )
        return EmbeddingRequest(model=model, inputs=texts, dimensions=dimensions)

    def render(self, result: EmbeddingResult, request: EmbeddingRequest) -> Reply:  # noqa: ARG002
        """One object with the vectors in order; `usage` has the total alone."""
        data = [
            {"object": "embedding", "embedding": vector, "index": index}
            for index, vector in enumerate(result.vectors)
        ]
        return Reply(
            body={
                "id": f"embed-{result.request_id}",
                "object": "embedding",
                "data": data,
                "model": result.model,
                "created": result.created_at,
                "usage": {"total_tokens": result.total_tokens},
            }
        )

    def render_error(self, failure: Failure) -> Reply:
        """A list of what is wrong and where, for every status alike."""
        code = ErrorCode(failure.code)
        place = ["body", failure.param] if failure.param else _LOCATION.get(code, [])
        kind = "value_error" if code is ErrorCode.INVALID else str(code)
        return Reply(
            status=_STATUS.get(code, failure.status),
            body={"detail": [{"loc": place, "msg": failure.message, "type": kind}]},
        )
