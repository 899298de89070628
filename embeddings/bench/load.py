"""Many HTTP clients on one thread: each sends its next request once it is answered.

Small on purpose: what the clients cost, the server beside them does not get.
"""

import contextlib
import selectors
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import orjson

#: Longer than any request may take; a server that is silent so long has failed.
PATIENCE_S = 300.0
RECEIVE_BYTES = 1 << 18
OK = b"HTTP/1.1 200"


class BadAnswerError(Exception):
    """A server refused, broke off, or did not speak HTTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where embeddings are asked for in OpenAI's shape, with which key and model."""

    url: str
    model: str
    key: str = ""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "127.0.0.1", parts.port or 80

    def request(self, texts: tuple[str, ...]) -> bytes:
        """A whole request for the vectors of texts, as it goes over the wire."""
        body = orjson.dumps({"model": self.model, "input": texts})
        parts = urlsplit(self.url)
        lines = [
            f"POST {parts.path} HTTP/1.1",
            f"Host: {parts.netloc}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        ]
        if self.key:
            lines.append(f"Authorization: Bearer {self.key}")
        return "\r\n".join([*lines, "", ""]).encode("ascii") + body


@dataclass(frozen=True, slots=True)
class Answer:
    """One answered request: its place in the order of sending, seconds, body."""

    index: int
    seconds: float
    body: bytes


@dataclass(slots=True)
class _Client:
    connection: socket.socket
    index: int = -1
    sent_at: float = 0.0
    unsent: memoryview = field(default_factory=lambda: memoryview(b""))
    received: bytearray = field(default_factory=bytearray)
    ends: int = 0

    def send(self) -> bool:
        """Send what the socket takes; whether the request has left."""
        with contextlib.suppress(BlockingIOError):
            self.unsent = self.unsent[self.connection.send(self.unsent) :]
        return not self.unsent

    def receive(self) -> bool:
        """Read what has come; whether the answer is whole."""
        part = self.connection.recv(RECEIVE_BYTES)
        if not part:
            raise BadAnswerError("the server closed the connection")
        self.received += part
        if not self.ends:
            self.ends = _end_of(self.received)
        return 0 < self.ends <= len(self.received)

    def answer(self, now: float) -> Answer:
        """What was received, once it is whole."""
        body = bytes(self.received[self.received.index(b"\r\n\r\n") + 4 :])
        return Answer(self.index, now - self.sent_at, body)


def drive(
    endpoint: Endpoint, requests: Iterator[bytes], *, clients: int
) -> Iterator[Answer]:
    """Answers as they come; `clients` share the requests until there are no more.

    Raises `BadAnswerError` at the first answer that is not 200.
    """
    numbered = enumerate(requests)
    with selectors.DefaultSelector() as selector:
        try:
            for _ in range(clients):
                connection = socket.create_connection(endpoint.address, PATIENCE_S)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.settimeout(0)
                client = _Client(connection)
                selector.register(connection, selectors.EVENT_READ, client)
                _begin(selector, client, numbered)
            yield from _exchange(selector, numbered)
        except OSError as error:
            raise BadAnswerError(f"{endpoint.url}: {error}") from error
        finally:
            for key in list(selector.get_map().values()):
                key.data.connection.close()


def _exchange(
    selector: selectors.BaseSelector, numbered: Iterator[tuple[int, bytes]]
) -> Iterator[Answer]:
    while selector.get_map():
        events = selector.select(PATIENCE_S)
        if not events:
            raise BadAnswerError(f"no answer within {PATIENCE_S:g} s")
        for key, mask in events:
            client: _Client = key.data
            if mask & selectors.EVENT_WRITE:
                if client.send():
                    selector.modify(client.connection, selectors.EVENT_READ, client)
            elif client.receive():
                answer = client.answer(time.perf_counter())
                _begin(selector, client, numbered)
                yield answer


def _begin(
    selector: selectors.BaseSelector,
    client: _Client,
    numbered: Iterator[tuple[int, bytes]],
) -> None:
    """Send the client's next request, or hang up where there is none."""
    found = next(numbered, None)
    if found is None:
        selector.unregister(client.connection)
        client.connection.close()
        return
    client.index, request = found
    client.unsent, client.ends = memoryview(request), 0
    client.received.clear()
    client.sent_at = time.perf_counter()
    if not client.send():
        selector.modify(client.connection, selectors.EVENT_WRITE, client)


def _end_of(received: bytearray) -> int:
    """Where the answer will end; 0 while its head is not there yet."""
    head, found, _ = received.partition(b"\r\n\r\n")
    if not found:
        return 0
    if not head.startswith(OK):
        raise BadAnswerError(received[:500].decode("utf-8", "replace"))
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(head) + 4 + int(line.partition(b":")[2])
    raise BadAnswerError("the answer does not say how long it is")
