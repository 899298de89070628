"""A client's socket under time limits that no drip of bytes can stretch."""

import contextlib
import errno
import select
import socket
import time
from typing import Any

from gunicorn.http.errors import NoMoreData

#: What a request gets at least that waited long for a thread.
LEAST_READ_S = 1.0


class ReadDeadlinePassedError(NoMoreData, TimeoutError):
    """The client did not send its request in time; gunicorn takes it for a hang-up."""


class DeadlineSocket:
    """A socket whose reads share one deadline and whose writes each have a limit.

    `is_answered` says that something was written and nothing got stuck.
    Everything else is the socket's own, so that it can be polled and peeked.
    """

    def __init__(
        self, sock: socket.socket, *, read_timeout_s: float, write_timeout_s: float
    ) -> None:
        # For good: a switch is a system call, at which other threads take over.
        sock.setblocking(False)  # noqa: FBT003 -- the socket's
        self._sock = sock
        self._limit_s: float | None = None
        self._read_timeout_s = read_timeout_s
        self._write_timeout_s = write_timeout_s
        self._read_deadline = 0.0
        self.is_answered = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def arm(self, *, waited_s: float = 0.0) -> None:
        """Start the time within which the next request must have arrived.

        A request that has `waited_s` for a thread had that time to arrive in; what is
        left is enough to read what a full buffer held up.
        """
        least_s = min(LEAST_READ_S, self._read_timeout_s)
        left_s = max(least_s, self._read_timeout_s - waited_s)
        self._read_deadline = time.monotonic() + left_s
        self.is_answered = False

    def has_data(self, timeout_s: float) -> bool:
        """Whether something can be read within the time."""
        return _waits(self._sock, select.POLLIN, timeout_s)

    def setblocking(self, is_blocking: bool) -> None:  # noqa: FBT001 -- a socket's
        """Let reads wait until the deadline, or not at all."""
        self._limit_s = None if is_blocking else 0.0

    def settimeout(self, limit_s: float | None) -> None:
        """Let a read wait for so long at most, besides the deadline."""
        self._limit_s = limit_s

    def gettimeout(self) -> float | None:
        """What was set."""
        return self._limit_s

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Read what has come, waiting until the deadline; with flags, as the socket.

        What arrived in time is read even after the deadline: an application may
        leave a body until its work is done.
        """
        if flags:
            return self._sock.recv(size, flags)
        with contextlib.suppress(BlockingIOError):
            return self._sock.recv(size)
        left_s = max(0.0, self._read_deadline - time.monotonic())
        if self._limit_s is not None:
            left_s = min(left_s, self._limit_s)
        if not _waits(self._sock, select.POLLIN, left_s):
            raise ReadDeadlinePassedError
        return self._sock.recv(size)

    def sendall(self, data: bytes) -> None:
        """Write it all within the limit; a client that will not read is gone."""
        self.is_answered = False
        deadline = time.monotonic() + self._write_timeout_s
        unsent = memoryview(data)
        while unsent:
            try:
                unsent = unsent[self._sock.send(unsent) :]
            except BlockingIOError:
                left_s = deadline - time.monotonic()
                if not _waits(self._sock, select.POLLOUT, max(0.0, left_s)):
                    message = "the client does not read"
                    raise BrokenPipeError(errno.EPIPE, message) from None
        self.is_answered = True


def _waits(sock: socket.socket, event: int, timeout_s: float) -> bool:
    """Whether what is asked of the socket can be done, now or within the time."""
    poll = select.poll()
    poll.register(sock, event)
    return bool(poll.poll(timeout_s * 1000))
