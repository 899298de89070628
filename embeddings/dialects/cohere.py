"""Cohere's embed API, versions 1 and 2. Source: Cohere's OpenAPI and its SDKs."""

from typing import Any

from embeddings.dialects.base import (
    Dialect,
    Json,
    Operation,
    Route,
    WireRequest,
    optional_integer,
    optional_text,
    strings,
)
from embeddings.dialects.encodings import ENCODERS
from embeddings.engine.spec import Role, Truncate
from embeddings.errors import ErrorCode, InvalidRequestError, ModelRequiredError
from embeddings.types import EmbeddingRequest, EmbeddingResult, Failure, Reply

V1, V2 = "1", "2"

ROLES = {
    "search_document": Role.DOCUMENT,
    "search_query": Role.QUERY,
    "classification": Role.NONE,
    "clustering": Role.NONE,
}
CUTS = {"NONE": Truncate.ERROR, "START": Truncate.START, "END": Truncate.END}

_TEXTS = {"type": "array", "minItems": 1, "items": {"type": "string"}}
_PROPERTIES: dict[str, Any] = {
    "model": {"type": "string", "minLength": 1},
    "texts": _TEXTS,
    "input_type": {"enum": list(ROLES)},
    "embedding_types": {"type": "array", "items": {"enum": list(ENCODERS)}},
    "output_dimension": {"type": "integer", "minimum": 1},
    "max_tokens": {"type": "integer", "minimum": 1},
    "truncate": {"enum": list(CUTS), "default": "END"},
}
_PART = {
    "type": "object",
    "required": ["type", "text"],
    "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
}
_INPUT = {
    "type": "object",
    "required": ["content"],
    "properties": {"content": {"type": "array", "minItems": 1, "items": _PART}},
}
_V1_SCHEMA = {
    "type": "object",
    "required": ["texts"],
    "properties": _PROPERTIES,
}
_V2_SCHEMA = {
    "type": "object",
    "required": ["model"],
    "oneOf": [{"required": ["texts"]}, {"required": ["inputs"]}],
    "properties": {
        **_PROPERTIES,
        "inputs": {"type": "array", "minItems": 1, "items": _INPUT},
    },
}
_EXAMPLE = {
    "model": "all-MiniLM-L6-v2",
    "texts": ["hello world"],
    "input_type": "search_document",
}

#: The SDKs retry 408, 409, 429 and 5xx, for up to two minutes: 402 is a spent quota's.
_STATUS = {
    ErrorCode.TOO_LARGE: 400,
    ErrorCode.TOO_MANY_TEXTS: 400,
    ErrorCode.INPUT_TOO_LONG: 400,
    ErrorCode.UNSUPPORTED: 400,
    ErrorCode.QUOTA_EXCEEDED: 402,
}
_PREFIX = {
    ErrorCode.MALFORMED: "invalid request: ",
    ErrorCode.INVALID: "invalid request: ",
    ErrorCode.TOO_LARGE: "invalid request: ",
    ErrorCode.TOO_MANY_TEXTS: "invalid request: ",
    ErrorCode.DIMENSIONS: "invalid request: ",
    ErrorCode.UNSUPPORTED: "invalid request: ",
    ErrorCode.INPUT_TOO_LONG: "too many tokens: ",
}
_MESSAGE = {
    ErrorCode.MISSING_KEY: "no api key supplied",
    ErrorCode.INVALID_KEY: "invalid api token",
    ErrorCode.MODEL_REQUIRED: "a model parameter is required for this endpoint.",
}


class Cohere(Dialect):
    """Cohere's SDKs, `Client` at version 1 and `ClientV2` at version 2."""

    name = "cohere"
    title = "Cohere"
    routes = (
        Route(
            method="POST",
            path="v2/embed",
            operation=Operation.EMBED,
            summary="Embed texts, in one or several encodings",
            schema=_V2_SCHEMA,
            example=_EXAMPLE,
        ),
        Route(
            method="POST",
            path="v1/embed",
            operation=Operation.EMBED,
            summary="Embed texts; the model may be left to the tenant's default",
            schema=_V1_SCHEMA,
            example=_EXAMPLE,
        ),
    )
    prefixes = ("/v1/embed", "/v2")

    def parse(self, wire: WireRequest) -> EmbeddingRequest:
        """Texts, what they are for, and the encodings of the answer.

        A missing `input_type` is no role, as for Cohere's older models. No encodings
        are what version 1 is asked for without `embedding_types`: bare vectors.
        """
        body = wire.object()
        version = V1 if wire.route.path == "v1/embed" else V2
        model = optional_text(body, "model") or None
        if model is None and version == V2:
            raise ModelRequiredError
        types = _embedding_types(body)
        return EmbeddingRequest(
            model=model,
            inputs=_inputs(body),
            role=_role(body),
            dimensions=_size(body, "output_dimension"),
            max_tokens=_size(body, "max_tokens"),
            truncate=_cut(body),
            wire_truncate=Truncate.END,
            encodings=types or (() if version == V1 else ("float",)),
            variant=version,
        )

    def render(self, result: EmbeddingResult, request: EmbeddingRequest) -> Reply:
        """Vectors by encoding, or bare ones; SDKs choose by `response_type`."""
        embeddings: object = result.vectors
        if request.encodings:
            embeddings = {
                name: ENCODERS[name](result.vectors) for name in request.encodings
            }
        kind = "embeddings_by_type" if request.encodings else "embeddings_floats"
        return Reply(
            body={
                "id": result.request_id,
                "response_type": kind,
                "texts": request.inputs,
                "embeddings": embeddings,
                "meta": {
                    "api_version": {"version": request.variant},
                    "billed_units": {"input_tokens": result.total_tokens},
                },
            }
        )

    def render_error(self, failure: Failure) -> Reply:
        """A message in Cohere's own words where it has some, and the request's id."""
        code = ErrorCode(failure.code)
        message = _MESSAGE.get(code, f"{_PREFIX.get(code, '')}{failure.message}")
        if code is ErrorCode.MODEL_NOT_FOUND:
            message = (
                f"model '{failure.model or ''}' not found, make sure the correct model"
                " ID was used and that you have access to the model."
            )
        return Reply(
            status=_STATUS.get(code, failure.status),
            body={"id": failure.request_id, "message": message},
        )


def _inputs(body: Json) -> tuple[str, ...]:
    """The texts, or those of `inputs`; exactly one of both, and no images."""
    given = [
        name
        for name in ("texts", "inputs", "images")
        if body.get(name) not in (None, [])
    ]
    if "images" in given:
        raise _no_images("images")
    if len(given) != 1:
        raise InvalidRequestError(
            "exactly one of texts and inputs must be given, and not be empty",
            param="texts",
        )
    if given == ["inputs"]:
        return _texts_of(body["inputs"])
    texts = strings(body["texts"])
    if texts is None:
        raise InvalidRequestError("texts must be a list of strings", param="texts")
    return texts


def _texts_of(inputs: object) -> tuple[str, ...]:
    """One text for each of `inputs`; the parts of one are lines of it."""
    items = inputs if isinstance(inputs, list) else [inputs]
    return tuple("\n".join(_parts(item)) for item in items)


def _parts(item: object) -> tuple[str, ...]:
    content = item.get("content") if isinstance(item, dict) else None
    parts = content if isinstance(content, list) else []
    if any(
        isinstance(part, dict) and part.get("type") == "image_url" for part in parts
    ):
        raise _no_images("inputs")
    texts = strings(
        [
            part.get("text")
            if isinstance(part, dict) and part.get("type") == "text"
            else None
            for part in parts
        ]
    )
    if not texts:
        raise InvalidRequestError(
            "inputs must be a list of objects whose content is a list of"
            ' {"type": "text", "text": "…"}',
            param="inputs",
        )
    return texts


def _no_images(param: str) -> InvalidRequestError:
    return InvalidRequestError(
        "images are not supported, only texts are embedded", param=param
    )


def _role(body: Json) -> Role:
    value = optional_text(body, "input_type")
    if value is None:
        return Role.NONE
    if value == "image":
        raise _no_images("input_type")
    if value not in ROLES:
        raise InvalidRequestError(
            f"input_type must be one of {', '.join(ROLES)}", param="input_type"
        )
    return ROLES[value]


def _embedding_types(body: Json) -> tuple[str, ...]:
    """The encodings that are asked for, each once, in their order."""
    value = body.get("embedding_types")
    types = () if value is None else strings(value)
    if types is None or not set(types) <= ENCODERS.keys():
        raise InvalidRequestError(
            f"embedding_types must be a list of {', '.join(ENCODERS)}",
            param="embedding_types",
        )
    return tuple(dict.fromkeys(types))


def _cut(body: Json) -> Truncate | None:
    value = optional_text(body, "truncate")
    if value is None:
        return None
    if value not in CUTS:
        raise InvalidRequestError(
            f"truncate must be one of {', '.join(CUTS)}", param="truncate"
        )
    return CUTS[value]


def _size(body: Json, name: str) -> int | None:
    value = optional_integer(body, name)
    if value is not None and value < 1:
        raise InvalidRequestError(f"{name} must be at least 1", param=name)
    return value
