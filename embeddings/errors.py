"""The API's errors, which every dialect can write."""

from enum import StrEnum

from rest_framework.exceptions import APIException

from accounts.quotas import Standing

#: As much of a caller's model name as an error repeats.
SHOWN_NAME_LENGTH = 200


class ErrorCode(StrEnum):
    """What went wrong; the only thing a dialect decides by."""

    MALFORMED = "malformed"
    INVALID = "invalid"
    MISSING_KEY = "missing_api_key"
    INVALID_KEY = "invalid_api_key"
    FORBIDDEN = "forbidden"
    MODEL_REQUIRED = "model_required"
    MODEL_NOT_FOUND = "model_not_found"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    TOO_LARGE = "too_large"
    TOO_MANY_TEXTS = "too_many_texts"
    INPUT_TOO_LONG = "input_too_long"
    DIMENSIONS = "dimensions"
    UNSUPPORTED = "unsupported"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXCEEDED = "quota_exceeded"
    IDEMPOTENCY_MISMATCH = "idempotency_mismatch"
    IDEMPOTENCY_RUNNING = "idempotency_running"
    OVERLOADED = "overloaded"
    UNAVAILABLE = "unavailable"
    PROVIDER = "provider"
    CLIENT_GONE = "client_gone"
    INTERNAL = "internal"


class ApiError(APIException):
    """An error with a message for the caller; `retry_after_s` becomes Retry-After.

    `standings` are how the caller's quotas stand, where the request was admitted.
    """

    status_code = 500
    default_code: str = ErrorCode.INTERNAL
    default_detail = "The server failed to answer."

    def __init__(
        self,
        message: str | None = None,
        *,
        model: str | None = None,
        param: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.model = model
        self.param = param
        self.retry_after_s = retry_after_s
        self.standings: tuple[Standing, ...] = ()


class MalformedBodyError(ApiError):
    """The body is not JSON, or not of the JSON this wire takes."""

    status_code = 400
    default_code = ErrorCode.MALFORMED


class InvalidRequestError(ApiError):
    """A field is missing, mistyped or out of range."""

    status_code = 400
    default_code = ErrorCode.INVALID


class ModelRequiredError(ApiError):
    """The wire needs a model's name, or the tenant has no default model."""

    status_code = 400
    default_code = ErrorCode.MODEL_REQUIRED
    default_detail = "a model is required"


class ModelNotFoundError(ApiError):
    """Unknown, foreign or not granted: one and the same answer."""

    status_code = 404
    default_code = ErrorCode.MODEL_NOT_FOUND

    def __init__(self, name: str) -> None:
        shown = name[:SHOWN_NAME_LENGTH]
        super().__init__(f"model {shown!r} not found", model=shown)


class PathNotFoundError(ApiError):
    """No route of any wire has this path."""

    status_code = 404
    default_code = ErrorCode.NOT_FOUND
    default_detail = "no such path"


class MethodError(ApiError):
    """The path exists, with other methods."""

    status_code = 405
    default_code = ErrorCode.METHOD_NOT_ALLOWED
    default_detail = "method not allowed"

    def __init__(self, *, allowed: list[str]) -> None:
        super().__init__()
        self.allowed = allowed


class BodyTooLargeError(ApiError):
    """The body has more bytes than the server takes."""

    status_code = 413
    default_code = ErrorCode.TOO_LARGE


class TooManyTextsError(ApiError):
    """The request has more texts than the server takes."""

    status_code = 413
    default_code = ErrorCode.TOO_MANY_TEXTS

    def __init__(self, *, count: int, limit: int) -> None:
        super().__init__(
            f"{count} texts in one request: the array length must be {limit} or less"
        )
        self.count = count
        self.limit = limit


class TextTooLongError(ApiError):
    """A text has more tokens or characters than the model takes and may not be cut."""

    status_code = 413
    default_code = ErrorCode.INPUT_TOO_LONG


class DimensionsError(ApiError):
    """The model does not offer vectors of this size."""

    status_code = 400
    default_code = ErrorCode.DIMENSIONS


class UnsupportedError(ApiError):
    """The model cannot do what the route asks (dense of a sparse model)."""

    status_code = 501
    default_code = ErrorCode.UNSUPPORTED


class TenantBusyError(ApiError):
    """The tenant has as many requests under way as its share allows."""

    status_code = 429
    default_code = ErrorCode.RATE_LIMITED
    default_detail = "too many requests at once, please try again"


class OverloadedError(ApiError):
    """The queue is full."""

    status_code = 503
    default_code = ErrorCode.OVERLOADED
    default_detail = "The server is busy, please try again."


class UnavailableError(ApiError):
    """The model or a service behind it cannot answer now."""

    status_code = 503
    default_code = ErrorCode.UNAVAILABLE


class ProviderBusyError(TenantBusyError):
    """The provider of somebody else's model takes no more requests now.

    To a caller it is as being too quick: slow down, and come back.
    """

    default_detail = "the model's provider is busy, please try again"


class ProviderError(ApiError):
    """The provider of somebody else's model refused our request, or answered wrong.

    It is not the caller's to mend: an operator is told.
    """

    status_code = 502
    default_code = ErrorCode.PROVIDER
    default_detail = "the model's provider refused the request"


class ClientGoneError(ApiError):
    """The caller hung up while waiting; nobody reads this, the ledger does."""

    status_code = 499
    default_code = ErrorCode.CLIENT_GONE
    default_detail = "request canceled"


class InternalError(ApiError):
    """Our fault; the cause is in the log, never in the answer."""
