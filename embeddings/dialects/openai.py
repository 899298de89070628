"""OpenAI's embeddings and models routes. Source: OpenAI's openapi.yaml and SDKs."""

from collections.abc import Sequence
from typing import Any, ClassVar

from embeddings.dialects.base import (
    Dialect,
    Json,
    Operation,
    Route,
    WireRequest,
    optional_integer,
    optional_text,
    strings,
    token_ids,
)
from embeddings.dialects.encodings import base64_floats
from embeddings.engine.spec import Floats
from embeddings.errors import ErrorCode, InvalidRequestError, ModelRequiredError
from embeddings.types import (
    EmbeddingRequest,
    EmbeddingResult,
    Failure,
    ModelFacts,
    Reply,
)

FORMATS = ("float", "base64")

_TEXT = {"type": "string", "minLength": 1}
_TOKEN_ID = {"type": "integer", "minimum": 0}
_TOKEN_IDS = {"type": "array", "minItems": 1, "items": _TOKEN_ID}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["model", "input"],
    "properties": {
        "model": _TEXT,
        "input": {
            "anyOf": [
                _TEXT,
                {"type": "array", "minItems": 1, "items": _TEXT},
                _TOKEN_IDS,
                {"type": "array", "minItems": 1, "items": _TOKEN_IDS},
            ]
        },
        "encoding_format": {"enum": list(FORMATS), "default": "float"},
        "dimensions": {"type": "integer", "minimum": 1},
        "user": {"type": "string"},
    },
}
EXAMPLE = {"model": "all-MiniLM-L6-v2", "input": "hello world"}

#: SDKs retry 409, 429 and 5xx, and have no class for 413: refusals are 400.
_STATUS = {
    ErrorCode.TOO_LARGE: 400,
    ErrorCode.TOO_MANY_TEXTS: 400,
    ErrorCode.INPUT_TOO_LONG: 400,
    ErrorCode.UNSUPPORTED: 400,
}
_CODE = {
    ErrorCode.MISSING_KEY: "invalid_api_key",
    ErrorCode.INVALID_KEY: "invalid_api_key",
    ErrorCode.MODEL_NOT_FOUND: "model_not_found",
    ErrorCode.NOT_FOUND: "unknown_url",
    ErrorCode.METHOD_NOT_ALLOWED: "method_not_supported",
    ErrorCode.RATE_LIMITED: "rate_limit_exceeded",
    ErrorCode.QUOTA_EXCEEDED: "insufficient_quota",
    ErrorCode.OVERLOADED: "server_overloaded",
}
_TYPE = {
    ErrorCode.RATE_LIMITED: "requests",
    ErrorCode.QUOTA_EXCEEDED: "insufficient_quota",
}
_SERVER_ERROR = 500


class OpenAI(Dialect):
    """OpenAI's SDKs and everything that speaks like them, at `/v1`."""

    name = "openai"
    title = "OpenAI"
    routes: ClassVar[tuple[Route, ...]] = (
        Route(
            method="POST",
            path="v1/embeddings",
            operation=Operation.EMBED,
            summary="Embed texts or token ids",
            schema=SCHEMA,
            example=EXAMPLE,
        ),
        Route(
            method="GET",
            path="v1/models",
            operation=Operation.LIST_MODELS,
            summary="List the models this key may use",
        ),
        Route(
            method="GET",
            path="v1/models/{model}",
            operation=Operation.SHOW_MODEL,
            summary="Show one model",
        ),
    )
    prefixes = ("/v1",)

    def parse(self, wire: WireRequest) -> EmbeddingRequest:
        """A model, texts or token ids, a size and an encoding."""
        body = wire.object()
        return asked(body, model=optional_text(body, "model"))

    def render(self, result: EmbeddingResult, request: EmbeddingRequest) -> Reply:
        """A list with one object for each text, as numbers or base64."""
        vectors: Sequence[str] | Floats = result.vectors
        if request.encodings == ("base64",):
            vectors = base64_floats(result.vectors)
        data = [
            {"object": "embedding", "index": index, "embedding": vector}
            for index, vector in enumerate(vectors)
        ]
        tokens = result.total_tokens
        return Reply(
            body={
                "object": "list",
                "data": data,
                "model": result.model,
                "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
            },
            headers={
                "openai-version": "2020-10-01",
                "openai-processing-ms": str(result.total_ns // 1_000_000),
            },
        )

    def render_models(self, models: Sequence[ModelFacts]) -> Reply:
        """All models as one list."""
        return Reply(
            body={"object": "list", "data": [_model(facts) for facts in models]}
        )

    def render_model(self, model: ModelFacts) -> Reply:
        """One model."""
        return Reply(body=_model(model))

    def render_error(self, failure: Failure) -> Reply:
        """The four fields that SDKs read; what stays as it is is not worth a retry."""
        code = ErrorCode(failure.code)
        status = _STATUS.get(code, failure.status)
        kind = "server_error" if status >= _SERVER_ERROR else "invalid_request_error"
        message, param = failure.message, failure.param
        if code is ErrorCode.MODEL_NOT_FOUND:
            message = (
                f"The model '{failure.model}' does not exist"
                " or you do not have access to it."
            )
            param = "model"
        elif code is ErrorCode.DIMENSIONS:
            message = "This model does not support specifying dimensions."
            param = "dimensions"
        elif code is ErrorCode.TOO_MANY_TEXTS:
            message = f"'$.input' is invalid. {message}"
            param = "input"
        headers = {}
        if code in {ErrorCode.QUOTA_EXCEEDED, ErrorCode.PROVIDER}:
            headers["x-should-retry"] = "false"
        return Reply(
            status=status,
            headers=headers,
            body={
                "error": {
                    "message": message,
                    "type": _TYPE.get(code, kind),
                    "param": param,
                    "code": _CODE.get(code),
                }
            },
        )


def asked(body: Json, *, model: str | None) -> EmbeddingRequest:
    """What a body asks of `model`; raises ModelRequiredError, InvalidRequestError."""
    if not model:
        raise ModelRequiredError("you must provide a model parameter")
    dimensions = optional_integer(body, "dimensions")
    if dimensions is not None and dimensions < 1:
        raise InvalidRequestError(
            f"Invalid 'dimensions': {dimensions} is less than the minimum of 1.",
            param="dimensions",
        )
    optional_text(body, "user")
    return EmbeddingRequest(
        model=model,
        inputs=_inputs(body.get("input")),
        dimensions=dimensions,
        encodings=(_encoding_format(body),),
    )


def _model(facts: ModelFacts) -> dict[str, object]:
    return {
        "id": facts.name,
        "object": "model",
        "created": facts.created_at,
        "owned_by": facts.owner,
    }


def _encoding_format(body: Json) -> str:
    value = body.get("encoding_format")
    if value is None:
        return "float"
    if isinstance(value, str) and value.lower() in FORMATS:
        return value.lower()
    raise InvalidRequestError(
        f"Invalid value for 'encoding_format' = {str(value)[:40]}."
        " Supported values: ['float', 'base64'].",
        param="encoding_format",
    )


def _inputs(value: object) -> tuple[str | tuple[int, ...], ...]:
    """A string, strings, token ids or lists of token ids; none of them empty."""
    inputs: tuple[str | tuple[int, ...], ...] | None
    if isinstance(value, str):
        inputs = (value,)
    elif (ids := token_ids(value)) is not None:
        inputs = (ids,)
    elif isinstance(value, list) and all(isinstance(item, list) for item in value):
        inputs = tuple(ids for item in value if (ids := token_ids(item)) is not None)
        inputs = inputs if len(inputs) == len(value) else None
    else:
        inputs = strings(value)
    if not inputs or not all(inputs):
        raise InvalidRequestError(
            "'$.input' is invalid. Give a string, a list of strings, a list of token"
            " ids, or a list of such lists; none of them empty.",
            param="input",
        )
    return inputs
