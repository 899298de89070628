"""Errors and bytes on their way out; each wire's errors are tested over its views."""

import logging

import numpy as np
import pytest

from embeddings.errors import ModelNotFoundError, OverloadedError
from embeddings.replies import error_reply, respond
from embeddings.types import Reply
from tests.samples import dialect_named


@pytest.mark.parametrize(("wait_s", "header"), [(None, None), (0, "1"), (2.1, "3")])
def test_a_wait_is_rounded_up_to_whole_seconds(wait_s, header) -> None:
    reply = error_reply(
        OverloadedError(retry_after_s=wait_s),
        shape=dialect_named("openai"),
        request_id="x",
    )

    assert reply.headers.get("Retry-After") == header


def test_the_shape_is_told_what_was_asked() -> None:
    reply = error_reply(
        ModelNotFoundError("nope"),
        shape=dialect_named("ollama"),
        request_id="x",
        operation="show_model",
    )

    assert reply.body == {"error": "model 'nope:latest' not found"}


def test_what_nobody_foresaw_is_logged_and_not_told(caplog) -> None:
    caplog.set_level(logging.ERROR)

    reply = error_reply(
        KeyError("a secret"), shape=dialect_named("ollama"), request_id="x"
    )

    assert reply.status == 500
    assert "secret" not in str(reply.body)
    assert "request x failed" in caplog.text


def test_numbers_are_written_in_their_shortest_digits() -> None:
    body = {"vector": np.array([0.1, 1 / 3], dtype=np.float32)}

    response = respond(Reply(body=body), request_id="x")

    assert response.content == b'{"vector":[0.1,0.33333334]}'
    assert response.headers["x-request-id"] == "x"


def test_ready_bytes_are_left_as_they_are() -> None:
    reply = Reply(body=b"plain", content_type="text/plain", headers={"x-more": "1"})

    response = respond(reply, request_id="x")

    assert response.content == b"plain"
    assert response.headers["x-more"] == "1"
