"""Hugging Face's Text Embeddings Inference (TEI), one model at each address.

Source: TEI's OpenAPI document and router, version 1.9. Its servers have one model
each, so its wire names none: here the path does, or the tenant's default is meant.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from embeddings.dialects.base import (
    Dialect,
    Json,
    Operation,
    Route,
    WireRequest,
    optional_boolean,
    optional_integer,
    optional_text,
    token_ids,
)
from embeddings.engine.spec import Output, SparseVector, Truncate
from embeddings.errors import ErrorCode, InvalidRequestError, MalformedBodyError
from embeddings.types import (
    EmbeddingRequest,
    EmbeddingResult,
    Failure,
    ModelFacts,
    Reply,
)

#: The version whose wire this is; clients read it from `info`.
VERSION = "1.9.3"
#: What `info` tells clients to send at once; more of them wait, unless there are many.
_CONCURRENT = 32

_ID = {"type": "integer", "minimum": 0}
_IDS = {"type": "array", "minItems": 1, "items": _ID}
_INPUT: dict[str, Any] = {"anyOf": [{"type": "string", "minLength": 1}, _IDS]}
_SPARSE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["inputs"],
    "properties": {
        "inputs": {
            "anyOf": [_INPUT, {"type": "array", "minItems": 1, "items": _INPUT}]
        },
        "truncate": {"type": ["boolean", "null"]},
        "truncation_direction": {"enum": ["Left", "Right", "left", "right"]},
        "prompt_name": {"type": ["string", "null"]},
    },
}
_SCHEMA = {
    **_SPARSE_SCHEMA,
    "properties": {
        **_SPARSE_SCHEMA["properties"],
        "normalize": {"type": "boolean", "default": True},
        "dimensions": {"type": ["integer", "null"], "minimum": 1},
    },
}
_EXAMPLE = {"inputs": "hello world"}

#: Paths that Chroma's wire has too, and the headers that only its clients send.
_SHARED = frozenset({"", "embed", "embed_sparse"})
_CHROMAS = ("x-chroma-embedding-model", "x-chroma-token")

_CUTS = {"left": Truncate.START, "right": Truncate.END}
_EMPTY = "`inputs` cannot be empty"

#: 413 stays for what is too much, 424 is its "not a model of this kind".
_STATUS = {
    ErrorCode.INVALID: 422,
    ErrorCode.MODEL_REQUIRED: 422,
    ErrorCode.DIMENSIONS: 422,
    ErrorCode.UNSUPPORTED: 424,
}
_TYPE = {
    424: "Backend",
    429: "Overloaded",
    499: "Backend",
    500: "Backend",
    502: "Backend",
    503: "Unhealthy",
}


def _routes(below: str, *, of: str) -> tuple[Route, ...]:
    """The routes of one of its servers, the model of which is `of`."""
    dense, sparse = (Operation.EMBED, Operation.EMBED_SPARSE)
    embedding = (
        (below + "/embed", dense, f"Embed by {of}", _SCHEMA),
        (below, dense, f"Embed by {of}, at a server's own address", _SCHEMA),
        (below + "/embed_sparse", sparse, f"Embed sparsely by {of}", _SPARSE_SCHEMA),
    )
    telling = (
        (below + "/info", Operation.SHOW_MODEL, f"Show {of}"),
        (below + "/health", Operation.HEALTH, f"Tell whether {of} can be asked"),
    )
    return (
        *(
            Route(
                method="POST",
                path=path.removeprefix("/"),
                operation=operation,
                summary=summary,
                schema=schema,
                example=_EXAMPLE,
            )
            for path, operation, summary, schema in embedding
        ),
        *(
            Route(
                method="GET",
                path=path.removeprefix("/"),
                operation=operation,
                summary=summary,
            )
            for path, operation, summary in telling
        ),
    )


class TEI(Dialect):
    """A TEI server for each model, and one for the tenant's default."""

    name = "tei"
    title = "TEI"
    routes = (
        *_routes("/tei/{model}", of="the model in the path"),
        *_routes("", of="the tenant's default model"),
    )
    prefixes = ("/tei", "/info", "/health")

    def claims(self, wire: WireRequest) -> bool:
        """Where Chroma's wire has the same path, `inputs` tells them apart.

        What has neither `inputs` nor Chroma's `texts` is told by Chroma's headers.
        """
        if wire.route.path not in _SHARED:
            return True
        fields: Mapping[str, object] = {}
        if wire.body:
            with suppress(MalformedBodyError):
                fields = wire.object()
        if "inputs" in fields or "texts" in fields:
            return "texts" not in fields
        return not any(header in wire.headers for header in _CHROMAS)

    def parse(self, wire: WireRequest) -> EmbeddingRequest:
        """Texts or token ids, how to cut them, and the name of a prompt."""
        body = wire.object()
        is_sparse = wire.route.operation is Operation.EMBED_SPARSE
        end = _cut_end(body)
        cuts = optional_boolean(body, "truncate")
        chosen = None if cuts is None else end if cuts else Truncate.ERROR
        request = EmbeddingRequest(
            model=wire.path.get("model"),
            inputs=_inputs(body.get("inputs")),
            prompt_name=optional_text(body, "prompt_name"),
            truncate=chosen,
            wire_truncate=end,
            output=Output.SPARSE if is_sparse else Output.DENSE,
        )
        if is_sparse:
            return request
        return replace(request, normalize=_normalize(body), dimensions=_size(body))

    def render(self, result: EmbeddingResult, request: EmbeddingRequest) -> Reply:
        """Nothing but the vectors; the tokens are told in a header."""
        vectors: object = result.vectors
        if request.output is Output.SPARSE:
            vectors = [_weights(vector) for vector in result.sparse]
        return Reply(
            body=vectors,
            headers={
                "x-compute-tokens": str(result.total_tokens),
                "x-total-time": str(result.total_ns // 1_000_000),
            },
        )

    def render_model(self, model: ModelFacts) -> Reply:
        """What a server of this model would tell of itself."""
        most = model.max_texts or 1
        return Reply(
            body={
                "model_id": model.name,
                "model_sha": None,
                "model_dtype": "float32",
                "model_type": {"embedding": {"pooling": _pooling(model)}},
                "max_concurrent_requests": _CONCURRENT,
                "max_input_length": model.max_tokens,
                "max_batch_tokens": most * model.max_tokens,
                "max_batch_requests": None,
                "max_client_batch_size": most,
                "auto_truncate": True,
                "tokenization_workers": 1,
                "version": VERSION,
            }
        )

    def render_health(self) -> Reply:
        """Nothing: the status says it all."""
        return Reply(body=b"", content_type="text/plain; charset=utf-8")

    def render_error(self, failure: Failure) -> Reply:
        """A text and one of six types, which is what its clients choose by."""
        code = ErrorCode(failure.code)
        status = _STATUS.get(code, failure.status)
        kind = _TYPE.get(status, "Validation")
        if code is ErrorCode.OVERLOADED:
            kind = "Overloaded"
        if code is ErrorCode.INVALID and failure.message == _EMPTY:
            status, kind = 400, "Empty"
        return Reply(status=status, body={"error": failure.message, "error_type": kind})


def _inputs(value: object) -> tuple[str | tuple[int, ...], ...]:
    """One text or list of token ids, or a list of such; none of them empty."""
    items = value if isinstance(value, list) and token_ids(value) is None else [value]
    if not items or any(item in ("", []) for item in items):
        raise InvalidRequestError(_EMPTY, param="inputs")
    inputs = tuple(item if isinstance(item, str) else token_ids(item) for item in items)
    if not all(inputs):
        raise InvalidRequestError(
            "`inputs` must be a text, a list of token ids, or a list of these",
            param="inputs",
        )
    return tuple(filter(None, inputs))


def _cut_end(body: Json) -> Truncate:
    """Where a text is cut, if it is."""
    value = optional_text(body, "truncation_direction")
    end = _CUTS.get((value or "right").lower())
    if end is None:
        raise InvalidRequestError(
            "`truncation_direction` must be Left or Right", param="truncation_direction"
        )
    return end


def _normalize(body: Json) -> bool:
    value = optional_boolean(body, "normalize")
    return True if value is None else value


def _size(body: Json) -> int | None:
    value = optional_integer(body, "dimensions")
    if value is not None and value < 1:
        raise InvalidRequestError("`dimensions` must be positive", param="dimensions")
    return value


def _weights(vector: SparseVector) -> list[dict[str, object]]:
    pairs = zip(vector.indices, vector.values, strict=True)
    return [{"index": index, "value": value} for index, value in pairs]


def _pooling(model: ModelFacts) -> str:
    return "dense" if Output.DENSE in model.outputs else "splade"
