import logging
import os
import queue
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from types import SimpleNamespace

import pytest

from config.worker import LAST_WORDS_S, DeadlineWorker

ROOT = Path(__file__).resolve().parents[2]
READ_TIMEOUT_S = 1.0
WRITE_TIMEOUT_S = 1.0
THREADS = 2


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server with few threads and short deadlines."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        command = [sys.executable, "-m", "gunicorn", "wsgi_probe"]
        command += ["--bind", f"fd://{listener.fileno()}", "--threads", str(THREADS)]
        command += ["--worker-class", "config.worker.DeadlineWorker"]
        command += ["--no-control-socket", "--keep-alive", "5"]
        paths = [ROOT / "platform", ROOT, Path(__file__).parent]
        process = subprocess.Popen(
            command,
            pass_fds=[listener.fileno()],
            env=os.environ
            | {
                "PYTHONPATH": os.pathsep.join(map(str, paths)),
                "DJANGO_SETTINGS_MODULE": "config.settings",
                "READ_TIMEOUT_S": str(READ_TIMEOUT_S),
                "WRITE_TIMEOUT_S": str(WRITE_TIMEOUT_S),
            },
        )
        try:
            port = listener.getsockname()[1]
            assert get(port, "/ignore") == b"ignored"
            yield port
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait(10)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def read_all(client: socket.socket) -> bytes:
    parts = []
    while part := client.recv(65536):
        parts.append(part)
    return b"".join(parts)


def get(port: int, path: str) -> bytes:
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", path)
        return connection.getresponse().read()


@pytest.fixture
def connection(port: int) -> Iterator[HTTPConnection]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        yield connection


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /ignore HTTP/1.1\r\nHost: a\r\nX-Half",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha",
    ],
    ids=["headers", "body", "chunk"],
)
def test_half_sent_requests_free_their_threads(port: int, sent: bytes) -> None:
    stalled = [connect(port) for _ in range(2 * THREADS)]
    for client in stalled:
        client.sendall(sent)

    started = time.monotonic()
    assert get(port, "/ignore") == b"ignored"

    assert time.monotonic() - started < 3 * READ_TIMEOUT_S + 1
    for client in stalled:
        client.close()


def test_drip_of_bytes_does_not_stretch_the_deadline(port: int) -> None:
    with connect(port) as client:
        client.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n")
        client.settimeout(0.1)
        started = time.monotonic()
        reply = b""
        while not reply and time.monotonic() - started < 5 * READ_TIMEOUT_S:
            client.send(b"x")
            try:
                reply = client.recv(65536)
            except TimeoutError:
                continue

    assert reply.startswith(b"HTTP/1.1 408")
    assert time.monotonic() - started < READ_TIMEOUT_S + 1


def test_silent_connections_take_no_thread(port: int) -> None:
    silent = [connect(port) for _ in range(10 * THREADS)]

    started = time.monotonic()
    assert get(port, "/ignore") == b"ignored"

    assert time.monotonic() - started < READ_TIMEOUT_S
    for client in silent:
        client.close()


def test_client_that_does_not_read_frees_its_thread(port: int) -> None:
    stalled = [connect(port) for _ in range(THREADS)]
    for client in stalled:
        client.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")

    started = time.monotonic()
    assert get(port, "/ignore") == b"ignored"

    assert time.monotonic() - started < 2 * WRITE_TIMEOUT_S + 1
    for client in stalled:
        client.close()


@pytest.mark.parametrize("path", ["/refuse", "/ignore"])
def test_reply_is_readable_while_a_huge_body_is_still_sent(
    port: int, path: str
) -> None:
    size = 24 * 1024 * 1024
    with connect(port) as client:
        head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n"
        client.sendall(head.encode())
        client.sendall(bytes(size))
        reply = read_all(client)

    assert reply.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Connection: close" in reply


def test_close_flag_closes_the_connection(port: int) -> None:
    with connect(port) as client:
        client.sendall(b"GET /refuse HTTP/1.1\r\nHost: a\r\n\r\n")
        reply = read_all(client)

    assert b"Connection: close" in reply
    assert reply.endswith(b"no")


def test_connection_is_reused_after_idling_past_the_read_deadline(
    connection: HTTPConnection,
) -> None:
    connection.request("POST", "/echo", body=b"four")
    assert connection.getresponse().read() == b"4"
    first = connection.sock
    assert first is not None
    first.settimeout(READ_TIMEOUT_S + 0.5)
    with pytest.raises(TimeoutError):
        first.recv(1)
    first.settimeout(10)

    connection.request("POST", "/echo", body=b"sixsix")

    assert connection.getresponse().read() == b"6"
    assert connection.sock is first


def test_pipelined_requests_are_answered_in_order(port: int) -> None:
    first = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
    second = b"GET /refuse HTTP/1.1\r\nHost: a\r\n\r\n"
    with connect(port) as client:
        client.sendall(first + second)
        reply = read_all(client)

    assert reply.count(b"HTTP/1.1 200 OK") == 2
    assert reply.index(b"\r\n\r\n3") < reply.index(b"\r\n\r\nno")


def test_unread_small_body_keeps_the_connection(connection: HTTPConnection) -> None:
    connection.request("POST", "/ignore", body=bytes(1000))
    assert connection.getresponse().read() == b"ignored"
    first = connection.sock

    connection.request("POST", "/echo", body=b"x")

    assert connection.getresponse().read() == b"1"
    assert connection.sock is first


def test_end_of_a_request_is_told_whatever_became_of_it(port: int) -> None:
    before = int(get(port, "/count"))
    with connect(port) as client:
        client.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
        client.recv(1)
    get(port, "/fall")

    deadline = time.monotonic() + 10 * WRITE_TIMEOUT_S
    asked = 0
    while int(get(port, "/count")) != before + 3 + asked:
        asked += 1
        assert time.monotonic() < deadline


class Lonely(DeadlineWorker):
    """A worker without a server, of which only its life is looked at."""

    def __init__(self) -> None:
        cfg = SimpleNamespace(graceful_timeout=30, worker_connections=9, threads=2)
        self.cfg = cfg
        self.log = logging.getLogger(__name__)
        self.alive = True
        self.tmp = SimpleNamespace(notify=lambda: None)
        self.deferred: list[Callable[[], None]] = []
        self.method_queue = SimpleNamespace(defer=self.deferred.append)
        self.stops: queue.Queue[float] = queue.Queue()
        self.stop = self.stops.put
        self._looked_at = float("-inf")


def test_worker_that_cannot_serve_any_more_ends_and_drains() -> None:
    worker = Lonely()
    worker.is_lost = lambda: True

    worker.notify()
    worker.notify()

    assert not worker.alive
    assert worker.stops.get(timeout=10) == 30 - LAST_WORDS_S
    assert worker.stops.empty()


def test_worker_looks_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Lonely()
    looks: list[None] = []
    worker.is_lost = lambda: looks.append(None) is not None

    for _ in range(3):
        worker.notify()

    assert worker.alive
    assert len(looks) == 1


def test_signal_to_end_stops_admission_outside_of_the_handler() -> None:
    worker = Lonely()

    worker.handle_exit(signal.SIGTERM, None)

    assert not worker.alive
    assert worker.stops.empty()
    for call in worker.deferred:
        call()
    assert worker.stops.get(timeout=10) == 30 - LAST_WORDS_S
    worker.handle_exit(signal.SIGTERM, None)
    assert len(worker.deferred) == 2


def test_peeking_at_the_socket_does_not_wait(port: int) -> None:
    assert get(port, "/peek") == b"quiet"


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET / HTTP/1.1\r\nbad header\r\n\r\n", 400),
        (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 431),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n", 501),
    ],
    ids=["header", "line", "field", "coding"],
)
def test_malformed_requests_are_refused_in_json(
    port: int, request_bytes: bytes, status: int
) -> None:
    with connect(port) as client:
        client.sendall(request_bytes)
        head, _, body = read_all(client).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"application/json" in head
    assert body.startswith(b'{"error":"')
