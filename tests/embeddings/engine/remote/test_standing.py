"""Operators are told what is theirs, and once."""

import pytest

from embeddings.engine.remote.failures import (
    ForbiddenUrlError,
    SlowError,
    StatusError,
)
from embeddings.engine.remote.hooks import Hooks
from embeddings.engine.remote.standing import UNFIT, Standing
from tests.embeddings.engine.wires import SECRET, make_endpoint

ENDPOINT = make_endpoint("https://api.example.com")


@pytest.fixture
def told():
    return []


@pytest.fixture
def standing(told):
    return Standing(
        Hooks(
            on_rejected=lambda _, status: told.append(status),
            on_answered=lambda _: told.append("answered"),
            on_call=lambda _, outcome, seconds: told.append((outcome, seconds)),
            on_retry=lambda _: told.append("retry"),
        )
    )


@pytest.mark.parametrize("status", [401, 402, 403])
def test_rejections_are_told_each_time_and_logged_once(standing, told, caplog, status):
    for _ in range(3):
        standing.failed(ENDPOINT, StatusError(status), seconds=1.0)

    assert told == [("4xx", 1.0), status] * 3
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "acme-ai" in record.getMessage()
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    "failure", [StatusError(429), StatusError(400), StatusError(500), SlowError()]
)
def test_what_is_not_an_operators_is_only_counted(standing, told, caplog, failure):
    standing.failed(ENDPOINT, failure, seconds=1.0)

    assert told == [(failure.outcome, 1.0)]
    assert not caplog.records


def test_a_url_that_may_not_be_asked_is_an_operators(standing, told):
    standing.failed(ENDPOINT, ForbiddenUrlError("private"), seconds=0.5)

    assert told == [("forbidden", 0.5), UNFIT]


def test_the_first_answer_is_told_and_the_first_after_trouble(standing, told):
    for _ in range(2):
        standing.answered(ENDPOINT, seconds=0.1)
    standing.unfit(ENDPOINT, "no SDK")
    for _ in range(2):
        standing.answered(ENDPOINT, seconds=0.1)
    standing.retried(ENDPOINT)

    ok = ("ok", 0.1)
    assert told == [ok, "answered", ok, UNFIT, ok, "answered", ok, "retry"]


def test_a_hook_that_fails_fails_nobody(caplog):
    def fail(*_):
        raise ValueError("a bug")

    standing = Standing(Hooks(on_call=fail, on_rejected=fail))

    standing.failed(ENDPOINT, StatusError(401), seconds=1.0)

    assert "a hook of the engine failed" in caplog.text
