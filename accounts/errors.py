"""The refusals of accounts; their text never holds a key."""

from rest_framework.exceptions import APIException

from accounts.quotas import Standing


class AccountError(APIException):
    """A refusal; `retry_after_s` becomes Retry-After where it is set."""

    def __init__(
        self, message: str | None = None, *, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class MissingApiKeyError(AccountError):
    """The caller showed no key in any of the headers."""

    status_code = 401
    default_code = "missing_api_key"
    default_detail = "an API key is required"


class InvalidApiKeyError(AccountError):
    """Mistyped, unknown, expired, revoked or of an inactive tenant: one answer."""

    status_code = 401
    default_code = "invalid_api_key"
    default_detail = "the API key is not valid"


class ForbiddenError(AccountError):
    """The key is valid and lacks the scope the route asks for."""

    status_code = 403
    default_code = "forbidden"
    default_detail = "the API key may not do this"


class UnavailableError(AccountError):
    """The database cannot be asked or written now, so nothing may be served."""

    status_code = 503
    default_code = "unavailable"
    default_detail = "The service is not available now, please try again."

    def __init__(self, *, retry_after_s: float = 1.0) -> None:
        super().__init__(retry_after_s=retry_after_s)


class IdempotencyMismatchError(AccountError):
    """The caller's idempotency key names another request."""

    status_code = 422
    default_code = "idempotency_mismatch"
    default_detail = "this Idempotency-Key was used for another request"


class IdempotencyRunningError(AccountError):
    """The request with this idempotency key is still running."""

    status_code = 409
    default_code = "idempotency_running"
    default_detail = "the request with this Idempotency-Key is still running"


class RateLimitedError(AccountError):
    """A quota has no room now, and will have without anybody's doing.

    `standings` are those of all quotas that bind the request.
    """

    status_code = 429
    default_code = "rate_limited"
    default_detail = "too many requests, please try again"

    def __init__(
        self,
        message: str | None = None,
        *,
        retry_after_s: float | None = None,
        standings: tuple[Standing, ...] = (),
    ) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.standings = standings


class QuotaExceededError(RateLimitedError):
    """A month's quota or a prepaid pack is spent: trying again soon is no use."""

    default_code = "quota_exceeded"
    default_detail = "the quota is spent"
