"""A vendor's server on this machine, which answers as a test tells it."""

import json
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: More than anything takes; no test should ever wait for it.
PATIENCE_S = 30.0
MISSING = {"error": {"message": "the test expected no such call", "code": "test"}}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request as it came; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What is answered: JSON, or bytes as they are.

    With a `gate` the answer waits for it; `drips` sends byte by byte, as long as
    somebody reads; `breaks` ends the connection without an answer.
    """

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    gate: threading.Event | None = None
    drips: bool = False
    breaks: bool = False


class Vendor:
    """A real server; `answers` come in turn, then `usual` answers.

    `asked` is what came, `most_at_once` how many requests ran together at most.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.connections = 0
        self.scheme = "https" if tls else "http"
        self.asked: list[Asked] = []
        self.answers: deque[Answered] = deque()
        self.usual: Callable[[Asked], Answered] = lambda _: Answered(
            status=400, body=MISSING
        )
        self.most_at_once = 0
        self.came = threading.Semaphore(0)
        self.is_over = threading.Event()
        self._running = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Own", (Handler,), {"vendor": self})
        )
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @contextmanager
    def running(self) -> Iterator["Vendor"]:
        thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )
        thread.start()
        try:
            yield self
        finally:
            self.is_over.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def answer(self, asked: Asked) -> Answered:
        """What this request gets."""
        with self._lock:
            self._running += 1
            self.most_at_once = max(self.most_at_once, self._running)
            self.asked.append(asked)
            found = self.answers.popleft() if self.answers else None
        self.came.release()
        found = found or self.usual(asked)
        if found.gate is not None:
            assert found.gate.wait(PATIENCE_S)
        with self._lock:
            self._running -= 1
        return found


class Handler(BaseHTTPRequestHandler):
    """Hands requests to `vendor` and sends what it says."""

    protocol_version = "HTTP/1.1"
    #: Nagle's algorithm would delay every second answer.
    disable_nagle_algorithm = True
    vendor: Vendor

    def setup(self) -> None:
        super().setup()
        self.vendor.connections += 1

    def handle(self) -> None:
        # A client that trusts no certificate ends the handshake.
        with suppress(OSError):
            super().handle()

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        asked = Asked(
            method=self.command,
            path=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=json.loads(raw) if raw else None,
        )
        self._send(self.vendor.answer(asked))

    do_GET = do_POST  # noqa: N815 - the server looks for this name

    def _send(self, found: Answered) -> None:
        if found.breaks:
            self.close_connection = True
            return
        body = found.body
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(found.status)
        self.send_header("content-type", "application/json")
        for name, value in found.headers.items():
            self.send_header(name, value)
        size = 10**6 if found.drips else len(body)
        self.send_header("content-length", str(size))
        self.end_headers()
        try:
            self.wfile.write(body)
            while found.drips and not self.vendor.is_over.wait(0.02):
                self.wfile.write(b" ")
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None: ...
