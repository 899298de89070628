"""The refusals of accounts."""

import pytest

from accounts import errors


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.MissingApiKeyError(), 401, "missing_api_key"),
        (errors.InvalidApiKeyError(), 401, "invalid_api_key"),
        (errors.ForbiddenError(), 403, "forbidden"),
        (errors.UnavailableError(), 503, "unavailable"),
    ],
    ids=["missing", "invalid", "forbidden", "unavailable"],
)
def test_each_has_its_status_and_code(error, status, code):
    assert (error.status_code, error.get_codes()) == (status, code)


def test_what_passes_says_when_to_come_back():
    assert errors.UnavailableError().retry_after_s == 1.0
    assert errors.InvalidApiKeyError().retry_after_s is None
