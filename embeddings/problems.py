"""Errors as RFC 9457 problems, where no wire has a shape of its own for them."""

from collections.abc import Container
from http.client import responses

from embeddings.dialects import dialect_below
from embeddings.types import ErrorShape, Failure, Reply

PREFIX = "/tenant"
CONTENT_TYPE = "application/problem+json"


class Problems:
    """Writes errors as problems; `code` tells apart what shares a status."""

    def render_error(self, failure: Failure) -> Reply:
        """A problem of no type of its own, so that its title is the status's."""
        body = {
            "type": "about:blank",
            "title": responses.get(failure.status, failure.code),
            "status": failure.status,
            "detail": failure.message,
            "code": failure.code,
            "instance": f"urn:uuid:{failure.request_id}",
        }
        if failure.param is not None:
            body["param"] = failure.param
        return Reply(status=failure.status, body=body, content_type=CONTENT_TYPE)


PROBLEMS = Problems()


def shape_below(path: str, headers: Container[str] = ()) -> ErrorShape:
    """How errors are written that no view answers, at this path."""
    is_ours = f"{path}/".startswith(f"{PREFIX}/")
    return PROBLEMS if is_ours else dialect_below(path, headers)
