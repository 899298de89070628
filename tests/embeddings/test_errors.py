"""The one tree of errors: every code once, every message safe to show."""

import pytest

from embeddings import errors
from embeddings.errors import ApiError, ErrorCode
from tests.samples import STATUS

KINDS = sorted(ApiError.__subclasses__(), key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_kind_has_a_code_and_its_status(kind: type[ApiError]) -> None:
    code = ErrorCode(kind.default_code)

    assert kind.status_code == STATUS[code]


def test_no_two_kinds_share_a_code() -> None:
    codes = [kind.default_code for kind in KINDS]

    assert len(set(codes)) == len(codes)


def test_an_error_carries_what_a_wire_may_show() -> None:
    error = errors.InvalidRequestError("bad", param="input", retry_after_s=3)

    assert str(error.detail) == "bad"
    assert error.detail.code == ErrorCode.INVALID  # type: ignore[union-attr]
    assert (error.param, error.retry_after_s, error.model) == ("input", 3, None)


def test_an_unknown_model_is_named_but_not_at_any_length() -> None:
    error = errors.ModelNotFoundError("x" * 10_000)

    assert error.model == "x" * errors.SHOWN_NAME_LENGTH
    assert len(str(error.detail)) < 300


def test_a_count_over_the_limit_says_both() -> None:
    error = errors.TooManyTextsError(count=3000, limit=2048)

    assert str(error.detail) == (
        "3000 texts in one request: the array length must be 2048 or less"
    )
