"""Connections to checked addresses, each of whose steps ends when its call must."""

import threading
import time
from collections.abc import Container, Iterable
from contextlib import suppress
from ssl import SSLContext
from typing import Any

import httpcore2

from embeddings.engine.remote.addresses import addresses_of
from embeddings.engine.remote.failures import (
    BadAnswerError,
    SlowError,
    UnreachableError,
)

#: What is written at once; in between, the clock is looked at.
_WRITE_BYTES = 65_536
#: What an answer has around its body: its head, those before it, chunks' sizes.
_AROUND_BYTES = 131_072


class Bounds(threading.local):
    """What the call that runs in this thread may take, in time and in bytes.

    `timeout_s` is for calls that set no deadline of their own.
    """

    def __init__(self, *, timeout_s: float, most_bytes: int) -> None:
        self.ends_at: float | None = None
        self.most_bytes = most_bytes
        self.timeout_s = timeout_s
        self.begin()

    def begin(self) -> None:
        """Let one answer come: its body, and what is around it."""
        self._left_bytes = self.most_bytes + _AROUND_BYTES

    def came(self, count: int) -> None:
        """Count bytes as they came; raises `BadAnswerError` for too many.

        A body of single bytes, or heads without end, cost more to read than to send.
        """
        self._left_bytes -= count
        if self._left_bytes < 0:
            raise BadAnswerError("the answer has too many bytes around its body")

    def left_s(self) -> float:
        """Seconds that are left; raises `SlowError` when there are none."""
        if self.ends_at is None:
            return self.timeout_s
        left_s = self.ends_at - time.monotonic()
        if left_s <= 0:
            raise SlowError("the answer took too long")
        return left_s


class BoundedStream(httpcore2.NetworkStream):
    """A connection whose timeouts are what is left of the call, whatever is asked."""

    def __init__(self, stream: httpcore2.NetworkStream, bounds: Bounds) -> None:
        self._stream = stream
        self._bounds = bounds

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Up to `max_bytes` bytes."""
        part = self._stream.read(max_bytes, self._bounds.left_s())
        self._bounds.came(len(part))
        return part

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """All of the bytes."""
        view = memoryview(buffer)
        for start in range(0, len(view), _WRITE_BYTES):
            part = bytes(view[start : start + _WRITE_BYTES])
            self._stream.write(part, self._bounds.left_s())

    def close(self) -> None:
        """End the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore2.NetworkStream:
        """The same under TLS, the certificate checked against the URL's own name."""
        left_s = self._bounds.left_s()
        inner = self._stream.start_tls(ssl_context, server_hostname, left_s)
        return BoundedStream(inner, self._bounds)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore wants to know of the socket."""
        return self._stream.get_extra_info(info)


class CheckedNetwork(httpcore2.NetworkBackend):
    """Connects to the very address that was checked: a name is asked for only once."""

    def __init__(self, *, allowed_hosts: Container[str], bounds: Bounds) -> None:
        self._allowed_hosts = allowed_hosts
        self._bounds = bounds
        self._network = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """A connection to the first of the name's addresses that takes one."""
        addresses = addresses_of(host, port, allowed_hosts=self._allowed_hosts)
        for address in addresses:
            left_s = self._bounds.left_s()
            with suppress(httpcore2.ConnectError, httpcore2.ConnectTimeout):
                stream = self._network.connect_tcp(
                    address, port, left_s, local_address, socket_options
                )
                return BoundedStream(stream, self._bounds)
        raise UnreachableError("no address of the host takes connections")

    def connect_unix_socket(
        self,
        path: str,  # noqa: ARG002
        timeout: float | None = None,  # noqa: ARG002
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore2.NetworkStream:
        """Never: no URL leads to one."""
        raise UnreachableError("no provider is behind a local socket")
