"""A reply's way out: errors in the wire's own shape, and bytes."""

import logging
import math
from dataclasses import replace

import orjson
from django.http import Http404, HttpResponse
from rest_framework.exceptions import APIException

from accounts.limit_headers import limit_headers
from embeddings import errors
from embeddings.types import ErrorShape, Failure, Reply

logger = logging.getLogger(__name__)

#: For errors of the framework, which have codes of their own.
_CODE_BY_STATUS = {
    400: errors.ErrorCode.INVALID,
    401: errors.ErrorCode.INVALID_KEY,
    403: errors.ErrorCode.FORBIDDEN,
    404: errors.ErrorCode.NOT_FOUND,
    429: errors.ErrorCode.RATE_LIMITED,
    503: errors.ErrorCode.UNAVAILABLE,
}


def error_reply(
    error: Exception, *, shape: ErrorShape, request_id: str, operation: str = ""
) -> Reply:
    """Any exception as `shape` writes it; the unforeseen is logged, not told."""
    failure = _failure_of(error, request_id=request_id, operation=operation)
    reply = shape.render_error(failure)
    headers = {**reply.headers, **limit_headers(getattr(error, "standings", ()))}
    if failure.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(failure.retry_after_s)))
    if isinstance(error, errors.MethodError):
        headers["Allow"] = ", ".join(error.allowed)
    if reply.status == 401:  # noqa: PLR2004 - the one status with a header of its own
        headers["WWW-Authenticate"] = "Bearer"
    return replace(reply, headers=headers)


def _failure_of(error: Exception, *, request_id: str, operation: str) -> Failure:
    if isinstance(error, Http404):
        error = errors.PathNotFoundError()
    if not isinstance(error, APIException):
        logger.error("request %s failed", request_id, exc_info=error)
        error = errors.InternalError()
    elif error.status_code == errors.InternalError.status_code:
        logger.error("request %s failed", request_id, exc_info=error)
    return Failure(
        status=error.status_code,
        code=_code_of(error),
        message=str(error.detail),
        request_id=request_id,
        retry_after_s=getattr(error, "retry_after_s", None),
        model=getattr(error, "model", None),
        param=getattr(error, "param", None),
        operation=operation,
    )


def _code_of(error: APIException) -> str:
    """One of ErrorCode, whatever raised the error."""
    code = getattr(error.detail, "code", None)
    if code in set(errors.ErrorCode):
        return str(code)
    return _CODE_BY_STATUS.get(error.status_code, errors.ErrorCode.INTERNAL)


def respond(reply: Reply, *, request_id: str) -> HttpResponse:
    """A reply as bytes: float32 in shortest digits, never NaN."""
    body = reply.body
    if not isinstance(body, bytes):
        body = orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
    response = HttpResponse(body, status=reply.status, content_type=reply.content_type)
    response.headers["x-request-id"] = request_id
    for name, value in reply.headers.items():
        response.headers[name] = value
    return response
