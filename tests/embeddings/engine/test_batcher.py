"""The batcher's promises, with fake models."""

import time

import numpy as np
import pytest

from embeddings.engine.errors import CancelledError, DeadlineError, OverloadedError
from tests.embeddings.engine.making import make_row, start, until


def test_vectors_come_in_the_order_of_the_rows(bench):
    rows = [make_row(length, value=length) for length in (3, 50, 7, 50, 1, 200)]

    vectors = bench(streams=3, batch_tokens=100).submit(*rows)

    assert [int(vector[1]) for vector in vectors] == [3, 50, 7, 50, 1, 200]
    assert {vector.dtype for vector in vectors} == {np.dtype(np.float32)}


def test_no_rows_give_no_vectors(bench):
    assert bench().submit() == []


def test_requests_that_wait_share_a_batch(bench):
    one = bench()
    first = one.occupy()
    others = start(*[lambda n=n: one.submit(make_row(5, value=n)) for n in range(9)])
    until(lambda: one.batcher._queue.tokens == 45)
    one.model.gate.set()

    assert [other.join()[0][0] for other in others] == list(range(9))
    assert one.model.batches == [[1], [5] * 9]
    assert len(first.join()) == 1


def test_idle_streams_share_a_request(bench):
    one = bench(streams=4)
    one.model.gate.clear()
    (running,) = start(lambda: one.submit(*[make_row(50)] * 20))
    until(lambda: len(one.model.batches) == 4)
    one.model.gate.set()

    assert len(running.join()) == 20
    assert [len(batch) for batch in one.model.batches] == [5, 5, 5, 5]


def test_full_queue_refuses_all_of_a_request_at_once(bench):
    one = bench(queue_tokens=100)
    one.occupy()
    (waiting,) = start(lambda: one.submit(make_row(60)))
    until(lambda: one.batcher._queue.tokens == 60)

    with pytest.raises(OverloadedError) as caught:
        one.submit(make_row(30), make_row(11))

    assert 1 <= caught.value.retry_after_s <= 60
    assert one.batcher._queue.tokens == 60
    one.model.gate.set()
    assert len(waiting.join()) == 1


def test_request_larger_than_the_queue_may_come_alone(bench):
    assert len(bench(queue_tokens=100).submit(make_row(60), make_row(60))) == 2


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: {"deadline": time.monotonic() + 0.02}, DeadlineError),
        (lambda: {"is_gone": lambda: True}, CancelledError),
    ],
    ids=["deadline", "gone"],
)
def test_who_gives_up_frees_the_queue(bench, call, error):
    one = bench()
    first = one.occupy()

    with pytest.raises(error):
        one.submit(make_row(60), **call())

    assert one.batcher._queue.tokens == 0
    one.model.gate.set()
    assert len(first.join()) == 1
    assert one.model.batches == [[1]]


def test_who_gives_up_while_running_disturbs_nobody(bench):
    one = bench()
    one.occupy()

    (gone,) = start(lambda: one.submit(make_row(2), deadline=time.monotonic() + 0.02))
    assert isinstance(gone.join(), DeadlineError)
    one.model.gate.set()

    assert one.submit(make_row(7))[0][1] == 7


def test_weight_must_be_positive(bench):
    with pytest.raises(ValueError, match="weight"):
        bench().submit(make_row(1), weight=0.0)


def test_close_drains(bench):
    one = bench()
    first = one.occupy()
    (second,) = start(lambda: one.submit(make_row(5)))
    until(lambda: one.batcher._queue.tokens == 5)
    (closing,) = start(lambda: one.batcher.close(drain_s=30))
    until(lambda: one.batcher._is_closing)

    with pytest.raises(OverloadedError, match="shutting down"):
        one.submit(make_row(1))
    one.model.gate.set()

    assert len(first.join()) == len(second.join()) == 1
    assert closing.join() is None
    assert not any(thread.is_alive() for thread in one.batcher._threads)


def test_close_fails_what_it_cannot_drain(bench):
    one = bench()
    first = one.occupy()
    (second,) = start(lambda: one.submit(make_row(5)))
    until(lambda: one.batcher._queue.tokens == 5)

    one.batcher.close(drain_s=0.01)

    assert isinstance(first.join(), OverloadedError)
    assert isinstance(second.join(), OverloadedError)


def test_closing_twice_is_fine(bench):
    one = bench()
    one.submit(make_row(1))

    one.batcher.close(drain_s=5)
    one.batcher.close(drain_s=5)

    assert not any(thread.is_alive() for thread in one.batcher._threads)


def test_model_is_held_while_its_batch_runs(bench):
    one = bench()
    one.model.gate.clear()
    (gone,) = start(
        lambda: one.submit(
            make_row(1), deadline=time.monotonic() + 0.02, keep_alive_s=0
        )
    )
    assert isinstance(gone.join(), DeadlineError)
    one.pool.sweep()
    assert not one.model.is_closed

    one.model.gate.set()

    until(lambda: one.model.is_closed)
