"""A server that is told to end: what runs is served, the rest is told to come again."""

import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.client import HTTPConnection

import pytest

from tests.live import LiveServer

pytestmark = pytest.mark.clients

GRACE_S = 7
PARAGRAPH = "river of words " * 60
FEW, MANY = [PARAGRAPH] * 8, [PARAGRAPH] * 2048


@pytest.fixture
def live(server: LiveServer) -> LiveServer:
    """A second server on the same database, with one stream and little time to end."""
    own = {"GRACEFUL_TIMEOUT_S": str(GRACE_S), "ENGINE_STREAMS": "1"}
    live = replace(server, settings={**server.settings, **own}, port=0, process=None)
    live.start()
    return live


class Client:
    """A connection that stays open."""

    def __init__(self, live: LiveServer) -> None:
        self._key = live.key
        self._connection = HTTPConnection("127.0.0.1", live.port, timeout=60)

    def post(self, texts: list[str]) -> tuple[int, str]:
        """Embed; the status, and the request's id."""
        body = json.dumps({"model": "all-minilm", "input": texts})
        headers = {"Authorization": f"Bearer {self._key}"}
        self._connection.request("POST", "/api/embed", body, headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status, answer.headers["x-request-id"]


def test_who_is_served_at_the_end_and_who_is_told_to_come_again(
    live: LiveServer,
) -> None:
    few, many, late = (Client(live) for _ in range(3))
    assert late.post(["hello"])[0] == 200
    assert live.process is not None

    with ThreadPoolExecutor(2) as threads:
        running = [threads.submit(few.post, FEW), threads.submit(many.post, MANY)]
        time.sleep(0.3)  # No sign tells from outside that they have arrived.
        live.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        refused = late.post(["hello"])
        answers = [refused, *(one.result() for one in running)]

    assert [status for status, _ in answers] == [503, 200, 503]
    assert live.process.wait(GRACE_S) == 0
    rows = [live.ledger(request_id)[0][:2] for _, request_id in answers]
    assert rows == [(503, 1), (200, 8), (503, 2048)]
