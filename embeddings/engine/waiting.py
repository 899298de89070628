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
    while not event.is_set():
        left_s = call.deadline - time.monotonic()
        if left_s <= 0:
            raise DeadlineError(f"{what} took longer than the request may")
        if call.is_gone is None:
            event.wait(left_s)
        elif call.is_gone():
            raise CancelledError("the caller went away")
        else:
            event.wait(min(left_s, POLL_S))
