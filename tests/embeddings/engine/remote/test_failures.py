"""A failure is found wherever an SDK has put it."""

import pytest

from embeddings.engine.remote.failures import (
    BadAnswerError,
    SlowError,
    StatusError,
    UnreachableError,
    failure_in,
)


def wrapped(error, *, is_cause):
    outer = RuntimeError("the SDK's own words")
    if is_cause:
        outer.__cause__ = error
    else:
        outer.__context__ = error
    return outer


@pytest.mark.parametrize("is_cause", [True, False], ids=["cause", "context"])
def test_what_an_sdk_wraps_is_found(is_cause):
    error = SlowError("slow")

    assert failure_in(wrapped(error, is_cause=is_cause)) is error
    assert failure_in(error) is error


def test_what_is_not_ours_is_a_bad_answer_without_its_words():
    found = failure_in(wrapped(ValueError("SECRET-TEXT"), is_cause=True))

    assert isinstance(found, BadAnswerError)
    assert str(found) == "the SDK failed with RuntimeError"


def test_a_circle_of_causes_ends():
    error = ValueError()
    error.__cause__ = error

    assert isinstance(failure_in(error), BadAnswerError)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (StatusError(429), "429"),
        (StatusError(404), "4xx"),
        (StatusError(503), "5xx"),
        (StatusError(302), "3xx"),
        (UnreachableError(), "unreachable"),
        (SlowError(), "timeout"),
    ],
    ids=str,
)
def test_outcomes(error, outcome):
    assert error.outcome == outcome
