"""A wire of the tests alone: what a newcomer writes, and all of it."""

from embeddings.dialects.base import (
    Dialect,
    Operation,
    Route,
    WireRequest,
    optional_text,
    strings,
)
from embeddings.errors import InvalidRequestError
from embeddings.types import EmbeddingRequest, EmbeddingResult, Failure, Reply


class Telegraph(Dialect):
    """One address, one way to ask, one way to refuse."""

    name = "telegraph"
    title = "Telegraph"
    routes = (
        Route(
            method="POST",
            path="telegraph/{model}/send",
            operation=Operation.EMBED,
            summary="Embed messages",
            schema={
                "type": "object",
                "required": ["messages"],
                "properties": {
                    "messages": {"type": "array", "items": {"type": "string"}},
                    "signature": {"type": "string"},
                },
            },
            example={"messages": ["hello world"]},
        ),
    )
    prefixes = ("/telegraph",)

    def parse(self, wire: WireRequest) -> EmbeddingRequest:
        """Messages to the model in the path."""
        body = wire.object()
        optional_text(body, "signature")
        messages = strings(body.get("messages"))
        if messages is None:
            raise InvalidRequestError("messages STOP must be texts", param="messages")
        return EmbeddingRequest(model=wire.path["model"], inputs=messages)

    def render(self, result: EmbeddingResult, request: EmbeddingRequest) -> Reply:  # noqa: ARG002
        """Vectors and words to pay."""
        return Reply(body={"sent": result.vectors, "words": result.total_tokens})

    def render_error(self, failure: Failure) -> Reply:
        """One line."""
        status = 400 if failure.status == 501 else failure.status
        return Reply(status=status, body={"stop": failure.message})
