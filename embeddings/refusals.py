"""Which refusals a route may answer with, and the statuses its wires give them."""

from collections.abc import Iterable

from embeddings.dialects.base import Dialect, Operation, Route
from embeddings.errors import ErrorCode
from embeddings.types import Failure

#: The platform's own status of each, as it is before a wire puts its own instead.
STATUS = {
    ErrorCode.MALFORMED: 400,
    ErrorCode.INVALID: 400,
    ErrorCode.MISSING_KEY: 401,
    ErrorCode.INVALID_KEY: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.MODEL_REQUIRED: 400,
    ErrorCode.MODEL_NOT_FOUND: 404,
    ErrorCode.TOO_LARGE: 413,
    ErrorCode.TOO_MANY_TEXTS: 413,
    ErrorCode.INPUT_TOO_LONG: 413,
    ErrorCode.DIMENSIONS: 400,
    ErrorCode.UNSUPPORTED: 501,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.QUOTA_EXCEEDED: 429,
    ErrorCode.IDEMPOTENCY_MISMATCH: 422,
    ErrorCode.IDEMPOTENCY_RUNNING: 409,
    ErrorCode.OVERLOADED: 503,
    ErrorCode.UNAVAILABLE: 503,
    ErrorCode.PROVIDER: 502,
}
_TEXT = {
    ErrorCode.MALFORMED: "The body is not JSON, or not an object",
    ErrorCode.INVALID: "A field is missing, mistyped or out of range",
    ErrorCode.MISSING_KEY: "There is no key",
    ErrorCode.INVALID_KEY: "The key is not valid",
    ErrorCode.FORBIDDEN: "The key may not do this",
    ErrorCode.MODEL_REQUIRED: "No model is named",
    ErrorCode.MODEL_NOT_FOUND: "The key may use no such model",
    ErrorCode.TOO_LARGE: "The body is too large",
    ErrorCode.TOO_MANY_TEXTS: "There are too many texts",
    ErrorCode.INPUT_TOO_LONG: "A text is too long, and may not be cut",
    ErrorCode.DIMENSIONS: "The model has no vectors of this length",
    ErrorCode.UNSUPPORTED: "The model has no embeddings of this kind",
    ErrorCode.RATE_LIMITED: "A rate limit; Retry-After tells how long",
    ErrorCode.QUOTA_EXCEEDED: "A quota is spent",
    ErrorCode.IDEMPOTENCY_MISMATCH: "The Idempotency-Key names another request",
    ErrorCode.IDEMPOTENCY_RUNNING: "The request of this Idempotency-Key still runs",
    ErrorCode.OVERLOADED: "The server is busy; Retry-After tells how long",
    ErrorCode.UNAVAILABLE: "Not available now; Retry-After tells how long",
    ErrorCode.PROVIDER: "The model's provider refused the request",
}

_ALWAYS = (
    ErrorCode.INVALID,
    ErrorCode.MISSING_KEY,
    ErrorCode.INVALID_KEY,
    ErrorCode.FORBIDDEN,
    ErrorCode.RATE_LIMITED,
    ErrorCode.UNAVAILABLE,
)
_OF_A_BODY = (ErrorCode.MALFORMED, ErrorCode.TOO_LARGE)
_OF_A_MODEL = (ErrorCode.MODEL_REQUIRED, ErrorCode.MODEL_NOT_FOUND)
_OF_TEXTS = (ErrorCode.TOO_MANY_TEXTS, ErrorCode.INPUT_TOO_LONG)
_OF_AN_ENGINE = (ErrorCode.OVERLOADED, ErrorCode.PROVIDER)
_OF_EMBEDDING = (
    *_OF_TEXTS,
    *_OF_AN_ENGINE,
    ErrorCode.DIMENSIONS,
    ErrorCode.UNSUPPORTED,
    ErrorCode.QUOTA_EXCEEDED,
    ErrorCode.IDEMPOTENCY_MISMATCH,
    ErrorCode.IDEMPOTENCY_RUNNING,
)
_OF_AN_OPERATION = {
    Operation.EMBED: _OF_EMBEDDING,
    Operation.EMBED_SPARSE: _OF_EMBEDDING,
    Operation.LOAD: _OF_EMBEDDING,
    Operation.COUNT_TOKENS: _OF_TEXTS + _OF_AN_ENGINE,
}
_OF_NO_MODEL = frozenset(
    {Operation.LIST_MODELS, Operation.LOADED_MODELS, Operation.VERSION}
)


def refusals_of(dialect: Dialect, route: Route) -> dict[int, tuple[str, ...]]:
    """Why a route refuses, by the status that its wire tells it with."""
    found: dict[int, tuple[str, ...]] = {}
    for code in _codes_of(route):
        failure = Failure(status=STATUS[code], code=code, message="", request_id="")
        status = dialect.render_error(failure).status
        found[status] = (*found.get(status, ()), _TEXT[code])
    return found


def _codes_of(route: Route) -> Iterable[ErrorCode]:
    if route.is_public:
        return ()
    return (
        *_ALWAYS,
        *(_OF_A_BODY if route.schema is not None else ()),
        *(() if route.operation in _OF_NO_MODEL else _OF_A_MODEL),
        *_OF_AN_OPERATION.get(route.operation, ()),
    )
