"""Chroma Cloud's embed API: dense vectors at `/` and `/embed`, sparse ones beside it.

Source: Chroma's OpenAPI and its Python, JavaScript and Rust clients, which post to
CHROMA_EMBED_URL exactly as it is given.
"""

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
    strings,
)
from embeddings.engine.spec import Output, Role, SparseVector, Truncate
from embeddings.errors import ErrorCode, InvalidRequestError, ModelRequiredError
from embeddings.types import EmbeddingRequest, EmbeddingResult, Failure, Reply

MODEL_HEADER = "x-chroma-embedding-model"

_TEXTS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["texts"],
    "anyOf": [{"required": ["instructions"]}, {"required": ["task", "target"]}],
    "properties": {
        "texts": {"type": "array", "items": {"type": "string"}},
        "instructions": {"type": ["string", "null"]},
        "task": {"type": ["string", "null"]},
        "target": {"type": ["string", "null"]},
    },
}
_SCHEMA = {
    **_TEXTS_SCHEMA,
    "properties": {
        **_TEXTS_SCHEMA["properties"],
        "dimensions": {"type": ["integer", "null"], "minimum": 1},
    },
}
_SPARSE_SCHEMA = {
    **_TEXTS_SCHEMA,
    "properties": {
        **_TEXTS_SCHEMA["properties"],
        "fetch_labels": {"type": ["boolean", "null"]},
        "fetch_tokens": {"enum": ["true", "false", True, False, None]},
    },
}
_EXAMPLE = {"texts": ["hello world"], "instructions": ""}

#: The wire's own names of what texts are for; they choose a prompt where no
#: instruction does, so that a model with prompts needs no task of its own.
_ROLES = {"documents": Role.DOCUMENT, "query": Role.QUERY}

#: Codes whose status on this wire is not the platform's own.
_STATUS = {ErrorCode.MODEL_NOT_FOUND: 400, ErrorCode.IDEMPOTENCY_MISMATCH: 400}


def _embed_route(path: str) -> Route:
    return Route(
        method="POST",
        path=path,
        operation=Operation.EMBED,
        summary="Embed texts as dense vectors",
        schema=_SCHEMA,
        headers=(MODEL_HEADER,),
        example=_EXAMPLE,
    )


def _sparse_route(path: str) -> Route:
    return Route(
        method="POST",
        path=path,
        operation=Operation.EMBED_SPARSE,
        summary="Embed texts as sparse vectors",
        schema=_SPARSE_SCHEMA,
        headers=(MODEL_HEADER,),
        example={**_EXAMPLE, "fetch_labels": True},
    )


class Chroma(Dialect):
    """Chroma's hosted embedding functions, pointed here by CHROMA_EMBED_URL."""

    name = "chroma"
    title = "Chroma"
    routes = (
        _embed_route("embed"),
        _embed_route(""),
        _sparse_route("embed_sparse"),
        _sparse_route("embed/embed_sparse"),
    )
    prefixes = ("",)

    def parse(self, wire: WireRequest) -> EmbeddingRequest:
        """Texts, and an instruction by itself or by task and target.

        The wire does not tell what to do with long texts: they are cut, as Chroma's own
        default function does. `dimensions` is this platform's, for its own client.
        """
        body = wire.object()
        texts = strings(body.get("texts"))
        if texts is None:
            raise InvalidRequestError(
                "'texts' must be a list of strings", param="texts"
            )
        if "instructions" not in body and not {"task", "target"} <= body.keys():
            raise InvalidRequestError(
                "either 'instructions' or both 'task' and 'target' must be present"
            )
        model = wire.headers.get(MODEL_HEADER, "").strip()
        if not model:
            raise ModelRequiredError(f"the header {MODEL_HEADER} is missing")
        is_sparse = wire.route.operation is Operation.EMBED_SPARSE
        target = optional_text(body, "target")
        return EmbeddingRequest(
            model=model,
            inputs=texts,
            role=_ROLES.get(target or "", Role.NONE),
            dimensions=None if is_sparse else _size(body),
            output=Output.SPARSE if is_sparse else Output.DENSE,
            labels=is_sparse and _wants_labels(body),
            instruction=optional_text(body, "instructions"),
            task=optional_text(body, "task"),
            target=target,
            wire_truncate=Truncate.END,
        )

    def render(self, result: EmbeddingResult, request: EmbeddingRequest) -> Reply:
        """Vectors and the tokens that were processed."""
        is_sparse = request.output is Output.SPARSE
        vectors = list(map(_sparse, result.sparse)) if is_sparse else result.vectors
        return Reply(body={"embeddings": vectors, "num_tokens": result.total_tokens})

    def render_error(self, failure: Failure) -> Reply:
        """`error` must be a string: Chroma's clients print it as it is."""
        status = _STATUS.get(ErrorCode(failure.code), failure.status)
        return Reply(status=status, body={"error": failure.message})


def _size(body: Json) -> int | None:
    value = optional_integer(body, "dimensions")
    if value is not None and value < 1:
        raise InvalidRequestError("'dimensions' must be positive", param="dimensions")
    return value


def _wants_labels(body: Json) -> bool:
    """Whether labels are asked for, by the documented field or the clients' own.

    The Splade clients send `fetch_tokens` as the text "true" or "false".
    """
    asked = optional_boolean(body, "fetch_labels")
    tokens = body.get("fetch_tokens")
    if isinstance(tokens, str) and tokens.lower() in ("true", "false"):
        tokens = tokens.lower() == "true"
    if tokens is not None and not isinstance(tokens, bool):
        raise InvalidRequestError(
            '\'fetch_tokens\' must be "true" or "false"', param="fetch_tokens"
        )
    return bool(tokens if asked is None else asked)


def _sparse(vector: SparseVector) -> dict[str, object]:
    """One vector; both `labels` and `tokens` at once would break the Rust client."""
    body: dict[str, object] = {"indices": vector.indices, "values": vector.values}
    if vector.labels is not None:
        body["labels"] = vector.labels
    return body
