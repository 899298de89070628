"""Azure OpenAI: OpenAI's bodies at Azure's addresses, refused in its gateway's shape.

Source: Microsoft's REST reference of the data plane, and what openai's AzureOpenAI
and chromadb send to it. Whatever `api-version` names, the answer is the same.
"""

from embeddings.dialects.base import Operation, Route, WireRequest, optional_text
from embeddings.dialects.openai import EXAMPLE, SCHEMA, OpenAI, asked
from embeddings.errors import ErrorCode
from embeddings.types import EmbeddingRequest, Failure, Reply

_DEPLOYMENT_SCHEMA = {**SCHEMA, "required": ["input"]}

#: What the models behind the gateway refuse themselves, in OpenAI's own words.
_OF_THE_MODEL = frozenset(
    {
        ErrorCode.MALFORMED,
        ErrorCode.INVALID,
        ErrorCode.MODEL_REQUIRED,
        ErrorCode.TOO_LARGE,
        ErrorCode.TOO_MANY_TEXTS,
        ErrorCode.INPUT_TOO_LONG,
        ErrorCode.DIMENSIONS,
        ErrorCode.UNSUPPORTED,
        ErrorCode.IDEMPOTENCY_MISMATCH,
        ErrorCode.IDEMPOTENCY_RUNNING,
    }
)
#: Elsewhere the code is the status.
_CODE = {
    ErrorCode.MODEL_NOT_FOUND: "DeploymentNotFound",
    ErrorCode.QUOTA_EXCEEDED: "insufficient_quota",
}
_MESSAGE = {
    ErrorCode.MISSING_KEY: "Access denied due to missing subscription key.",
    ErrorCode.INVALID_KEY: (
        "Access denied due to invalid subscription key or wrong API endpoint."
    ),
    ErrorCode.NOT_FOUND: "Resource not found",
}


class AzureOpenAI(OpenAI):
    """`AzureOpenAI` at the deployments, `OpenAI` below `/openai/v1`.

    A deployment is a model's name or alias; it goes before the name in the body.
    """

    name = "azure_openai"
    title = "Azure OpenAI"
    routes = (
        Route(
            method="POST",
            path="openai/deployments/{model}/embeddings",
            operation=Operation.EMBED,
            summary="Embed texts or token ids by a deployment",
            schema=_DEPLOYMENT_SCHEMA,
            example={"input": EXAMPLE["input"]},
        ),
        Route(
            method="POST",
            path="openai/v1/embeddings",
            operation=Operation.EMBED,
            summary="Embed texts or token ids by a model",
            schema=SCHEMA,
            example=EXAMPLE,
        ),
        *(
            Route(method="GET", path=path, operation=operation, summary=summary)
            for below in ("openai/v1/models", "openai/models")
            for path, operation, summary in (
                (below, Operation.LIST_MODELS, "List the models this key may use"),
                (f"{below}/{{model}}", Operation.SHOW_MODEL, "Show one model"),
            )
        ),
    )
    prefixes = ("/openai",)

    def parse(self, wire: WireRequest) -> EmbeddingRequest:
        """As OpenAI's, of the deployment in the path where there is one."""
        body = wire.object()
        named = optional_text(body, "model")
        return asked(body, model=wire.path.get("model", named))

    def render_error(self, failure: Failure) -> Reply:
        """OpenAI's status and headers; the gateway's own refusals have two fields."""
        reply = super().render_error(failure)
        code = ErrorCode(failure.code)
        if code in _OF_THE_MODEL:
            return reply
        message = _MESSAGE.get(code, failure.message)
        if code is ErrorCode.MODEL_NOT_FOUND:
            message = (
                f"The API deployment '{failure.model or ''}' does not exist,"
                " or this key may not use it."
            )
        error = {"code": _CODE.get(code, str(reply.status)), "message": message}
        return Reply(status=reply.status, headers=reply.headers, body={"error": error})
