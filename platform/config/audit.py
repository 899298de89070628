"""Who the audit log names: the operator, on the only pages whose changes it keeps."""

from auditlog.middleware import AuditlogMiddleware
from django.http import HttpRequest, HttpResponseBase


class AdminAuditMiddleware(AuditlogMiddleware):
    """Names operator and address on the admin's pages, and looks at no other.

    Elsewhere a session's cookie would cost a query, and an error without a database.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request."""
        is_audited = request.path.startswith("/admin/")
        answer = super().__call__ if is_audited else self.get_response
        response: HttpResponseBase = answer(request)
        return response

    @staticmethod
    def _get_remote_addr(request: HttpRequest) -> str | None:
        # X-Forwarded-For, which the original believes, may be anyone's writing; where
        # a trusted proxy wrote it, the address is here already.
        return request.META.get("REMOTE_ADDR") or None
