"""Guessing keys, over a socket and through a proxy."""

import json
from http.client import HTTPConnection

import pytest

from accounts.secrets import make_secret
from tests.live import LiveServer

pytestmark = pytest.mark.clients


def call(live: LiveServer, key: str, *, passed_on: str) -> tuple[int, str | None]:
    """The status of an embedding, and Retry-After."""
    connection = HTTPConnection("127.0.0.1", live.port, timeout=30)
    body = json.dumps({"model": "all-minilm", "input": "hello"})
    headers = {"Authorization": f"Bearer {key}", "X-Forwarded-For": passed_on}
    connection.request("POST", "/v1/embeddings", body, headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.headers["Retry-After"]


def test_a_guesser_is_refused_whatever_it_says_of_its_address(
    neighbour: LiveServer,
) -> None:
    forged = [f"198.51.100.{number}, 203.0.113.1" for number in range(4)]

    answers = [call(neighbour, make_secret(), passed_on=text) for text in forged]

    assert [status for status, _ in answers] == [401, 401, 401, 429]
    assert 1 <= int(answers[-1][1] or 0) <= 86_400
    assert call(neighbour, make_secret(), passed_on="203.0.113.2")[0] == 401


def test_who_is_known_is_served_beside_a_guesser(neighbour: LiveServer) -> None:
    here = "203.0.113.3"
    assert call(neighbour, neighbour.key, passed_on=here)[0] == 200
    guesses = [call(neighbour, make_secret(), passed_on=here)[0] for _ in range(4)]

    assert guesses == [401, 401, 401, 429]
    assert call(neighbour, neighbour.key, passed_on=here)[0] == 200
