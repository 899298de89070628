"""What a backend is unless it says otherwise."""

import re

import pytest

from embeddings.engine.backends.base import Backend
from embeddings.engine.remote.failures import StatusError
from embeddings.engine.remote.transport import Transport
from tests.embeddings.engine.wires import make_endpoint

ENDPOINT = make_endpoint("https://api.example.com")


class Words(Backend):
    too_long = re.compile(rb"too many")


@pytest.mark.parametrize(
    ("kind", "status", "body", "expected"),
    [
        (Words, 400, b"too many tokens", True),
        (Words, 413, b"too many tokens", True),
        (Words, 429, b"too many requests", False),
        (Words, 400, b"bad", False),
        (Backend, 400, b"too many tokens", False),
    ],
)
def test_too_long(kind, status, body, expected):
    transport = Transport(ENDPOINT)
    backend = kind(ENDPOINT, transport)

    assert backend.is_too_long(StatusError(status, body=body)) is expected
    transport.close()


def test_a_backend_counts_nothing_of_its_own():
    assert not Backend.counts_tokens
    assert Backend.count(Backend.__new__(Backend), None) is None
    with pytest.raises(NotImplementedError):
        Backend.embed(Backend.__new__(Backend), None)
