"""One request's wait for its event to be durable."""

import threading

from accounts.metering.usage import Usage


class Ticket:
    """A usage handed to the metering thread, and the request thread that waits.

    Either the writer resolves it or the waiter gives up, never both: what was written
    for nobody must be taken back.
    """

    __slots__ = ("_done", "_error", "_is_abandoned", "_lock", "usage")

    def __init__(self, usage: Usage) -> None:
        self.usage = usage
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._is_abandoned = False
        self._error: Exception | None = None

    @property
    def is_abandoned(self) -> bool:
        """Whether the waiter has given up."""
        return self._is_abandoned

    def resolve(self, error: Exception | None = None) -> bool:
        """Wake the waiter, with an error or without; False if it has given up.

        The first outcome stands.
        """
        with self._lock:
            if self._is_abandoned:
                return False
            if not self._done.is_set():
                self._error = error
                self._done.set()
            return True

    def wait(self, timeout_s: float) -> None:
        """Return once the event is durable; raise its error, or `TimeoutError`."""
        if not self._done.wait(timeout_s):
            with self._lock:
                # It may have been resolved between the wait's end and the lock.
                if not self._done.is_set():
                    self._is_abandoned = True
                    raise TimeoutError
        if self._error is not None:
            raise self._error
