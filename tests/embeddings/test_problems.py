"""Problems as RFC 9457 has them; the views' tests meet the rest."""

import pytest

from embeddings.errors import ErrorCode
from embeddings.problems import PROBLEMS, shape_below
from tests.samples import REQUEST_ID, STATUS, a_failure, dialect_named


@pytest.mark.parametrize("code", list(ErrorCode), ids=str)
def test_every_error_is_a_problem(code: ErrorCode) -> None:
    failure = a_failure(code)

    reply = PROBLEMS.render_error(failure)

    assert (reply.status, reply.content_type) == (
        STATUS[code],
        "application/problem+json",
    )
    assert isinstance(reply.body, dict)
    assert reply.body["title"]
    assert reply.body["status"] == STATUS[code]
    assert (reply.body["detail"], reply.body["code"]) == (failure.message, code)
    assert reply.body["instance"] == f"urn:uuid:{REQUEST_ID}"


@pytest.mark.parametrize("path", ["/tenant", "/tenant/", "/tenant/v1/x"])
def test_they_are_below_the_tenants_paths(path: str) -> None:
    assert shape_below(path) is PROBLEMS


@pytest.mark.parametrize(
    ("path", "name"), [("/tenants", "chroma"), ("/v1/organization/x", "openai")]
)
def test_other_paths_are_the_wires(path: str, name: str) -> None:
    assert shape_below(path) is dialect_named(name)


def test_headers_tell_whose_a_shared_path_is() -> None:
    assert shape_below("/v1/x", {"x-goog-api-key"}) is dialect_named("google")
