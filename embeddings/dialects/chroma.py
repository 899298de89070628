"""Chroma Cloud's embed API: dense vectors at `/` and `/embed`.

Source: Chroma's OpenAPI and its Python, JavaScript and Rust clients, which post to
CHROMA_EMBED_URL exactly as it is given.
"""

from embeddings.dialects.base import (
    Dialect,
    Operation,
    Route,
    WireRequest,
    optional_text,
    strings,
)
from embeddings.engine.spec import Truncate
from embeddings.errors import ErrorCode, InvalidRequestError, ModelRequiredError
from embeddings.types import EmbeddingRequest, EmbeddingResult, Failure, Reply

MODEL_HEADER = "x-chroma-embedding-model"

_SCHEMA = {
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
_EXAMPLE = {"texts": ["hello world"], "instructions": ""}

#: Codes whose status on this wire is not the platform's own.
_STATUS = {ErrorCode.MODEL_NOT_FOUND: 400}


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


class Chroma(Dialect):
    """Chroma's hosted embedding functions, pointed here by CHROMA_EMBED_URL."""

    name = "chroma"
    title = "Chroma"
    routes = (_embed_route("embed"), _embed_route(""))
    prefixes = ("",)

    def parse(self, wire: WireRequest) -> EmbeddingRequest:
        """Texts, and an instruction by itself or by task and target.

        The wire tells neither queries from documents nor what to do with long texts:
        they are cut, as Chroma's own default function does.
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
        return EmbeddingRequest(
            model=model,
            inputs=texts,
            instruction=optional_text(body, "instructions"),
            task=optional_text(body, "task"),
            target=optional_text(body, "target"),
            wire_truncate=Truncate.END,
        )

    def render(self, result: EmbeddingResult, request: EmbeddingRequest) -> Reply:  # noqa: ARG002
        """Vectors and the tokens that were processed."""
        return Reply(
            body={"embeddings": result.vectors, "num_tokens": result.total_tokens}
        )

    def render_error(self, failure: Failure) -> Reply:
        """`error` must be a string: Chroma's clients print it as it is."""
        status = _STATUS.get(ErrorCode(failure.code), failure.status)
        return Reply(status=status, body={"error": failure.message})
