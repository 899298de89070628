"""One request's wait for the metering thread."""

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Ticket(Generic[T]):
    """What a request thread waits with, and the metering thread answers.

    Either it is answered or the waiter gives up, never both: what was done for nobody
    must be undone.
    """

    __slots__ = ("_answer", "_done", "_error", "_is_abandoned", "_lock")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._is_abandoned = False
        self._answer: T | None = None
        self._error: Exception | None = None

    @property
    def is_abandoned(self) -> bool:
        """Whether the waiter has given up."""
        return self._is_abandoned

    def answer(self, answer: T) -> bool:
        """Wake the waiter with an answer; False if it has given up.

        The first outcome stands.
        """
        return self._resolve(answer, None)

    def fail(self, error: Exception) -> bool:
        """Wake the waiter with an error; False if it has given up."""
        return self._resolve(None, error)

    def wait(self, timeout_s: float) -> bool:
        """Wait for an outcome; False: there is none, and the waiter has given up."""
        return self._done.wait(timeout_s) or not self.abandon()

    def abandon(self) -> bool:
        """Give up; False: it was too late, there is an outcome."""
        with self._lock:
            if self._done.is_set():
                return False
            self._is_abandoned = True
            return True

    def result(self) -> T:
        """The answer of a ticket that has one; raises its error."""
        if self._error is not None:
            raise self._error
        return self._answer  # type: ignore[return-value]

    def _resolve(self, answer: T | None, error: Exception | None) -> bool:
        with self._lock:
            if self._is_abandoned:
                return False
            if not self._done.is_set():
                self._answer, self._error = answer, error
                self._done.set()
            return True
