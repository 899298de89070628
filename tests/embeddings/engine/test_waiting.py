"""Waiting with a deadline, for a caller who may go."""

import threading
import time

import pytest

from embeddings.engine.errors import CancelledError, DeadlineError
from embeddings.engine.waiting import wait
from tests.embeddings.engine.making import make_call


def test_returns_once_the_event_is_set():
    event = threading.Event()
    threading.Timer(0.01, event.set).start()

    wait(event, make_call(), what="it")

    assert event.is_set()


def test_deadline_ends_the_wait():
    call = make_call(deadline=time.monotonic() + 0.01)

    with pytest.raises(DeadlineError, match="loading x took longer"):
        wait(threading.Event(), call, what="loading x")


def test_caller_that_left_ends_the_wait():
    answers = iter([False, True])
    call = make_call(is_gone=lambda: next(answers))

    with pytest.raises(CancelledError):
        wait(threading.Event(), call, what="it")


def test_what_has_happened_is_not_waited_for():
    event = threading.Event()
    event.set()

    wait(event, make_call(deadline=0, is_gone=lambda: True), what="it")
