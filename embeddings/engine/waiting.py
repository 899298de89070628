"""Waiting on behalf of a caller who has a deadline and may go away."""

import threading
import time

from embeddings.engine.errors import CancelledError, DeadlineError
from embeddings.engine.spec import Call

#: How often a waiting caller is asked whether it still listens.
POLL_S = 0.25


def wait(event: threading.Event, call: Call, *, what: str) -> None:
    """Return once the event is set; `what` names it in a refusal.

    Raises `DeadlineError`, `CancelledError`.
    """
    while True:
        left_s = call.deadline - time.monotonic()
        pause_s = left_s if call.is_gone is None else min(left_s, POLL_S)
        # Whoever is served soon is never asked: it costs as much as the wait.
        if event.wait(max(0.0, pause_s)):
            return
        if pause_s >= left_s:
            raise DeadlineError(f"{what} took longer than the request may")
        if call.is_gone is not None and call.is_gone():
            raise CancelledError("the caller went away")
