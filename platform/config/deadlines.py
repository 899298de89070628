"""A client's socket under time limits that no drip of bytes can stretch."""

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
        self._sock = sock
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

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Read what has come, waiting until the deadline; with flags, as the socket.

        What arrived in time is read even after the deadline: an application may
        leave a body until its work is done.
        """
        if flags:
            return self._sock.recv(size, flags)
        left_s = max(0.0, self._read_deadline - time.monotonic())
        own_limit_s = self._sock.gettimeout()
        if own_limit_s is not None:
            left_s = min(left_s, own_limit_s)
        # Asked beforehand, so that the socket stays blocking for those who peek.
        if not _is_readable(self._sock, left_s):
            raise ReadDeadlinePassedError
        return self._sock.recv(size)

    def sendall(self, data: bytes) -> None:
        """Write it all within the limit; a client that will not read is gone."""
        before = self._sock.gettimeout()
        self._sock.settimeout(self._write_timeout_s)
        try:
            self._sock.sendall(data)
            self.is_answered = True
        except TimeoutError as error:
            self.is_answered = False
            raise BrokenPipeError(errno.EPIPE, "the client does not read") from error
        finally:
            self._sock.settimeout(before)


def _is_readable(sock: socket.socket, timeout_s: float) -> bool:
    """Whether a read returns at once, now or within the time."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(timeout_s * 1000))
