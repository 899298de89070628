"""The batcher's promises, with fake models."""

import threading
import time

import numpy as np
import pytest

from embeddings.engine.batcher import SMALLEST_BATCH
from embeddings.engine.errors import (
    CancelledError,
    DeadlineError,
    OverloadedError,
    TenantOverloadedError,
)
from tests.embeddings.engine.making import make_row, start, until
from tests.embeddings.engine.shelf import sweep

#: A text that is worth a stream's while.
LONG = make_row(SMALLEST_BATCH + 1)


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


@pytest.mark.parametrize(
    ("tenants", "texts"),
    [(("someone",) * 2, 60), (("someone", "else"), SMALLEST_BATCH // 10)],
    ids=["one tenant", "two"],
)
def test_batches_are_quick_where_tenants_share(bench, tenants, texts):
    one = bench()
    first = one.occupy()
    rows = [make_row(10)] * 30
    others = start(*[lambda t=t: one.submit(*rows, tenant=t) for t in tenants])
    until(lambda: one.batcher._queue.tokens == 600)
    one.model.gate.set()

    assert [len(one.join()) for one in (first, *others)] == [1, 30, 30]
    assert len(one.model.batches[1]) == texts


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
    until(lambda: one.batcher._refusal)

    with pytest.raises(OverloadedError, match="shutting down"):
        one.submit(make_row(1))
    one.model.gate.set()

    assert len(first.join()) == len(second.join()) == 1
    assert closing.join() is None
    assert not any(thread.is_alive() for thread in one.batcher._threads)


def test_close_fails_what_it_cannot_drain(bench):
    one = bench()
    one.model.gate.clear()
    running = start(lambda: one.submit(LONG))
    until(one.model.started.is_set)
    running += start(lambda: one.submit(LONG))
    until(lambda: one.batcher.status().queued_texts == 1)

    one.batcher.close(drain_s=0.01)

    assert [type(request.join()) for request in running] == [OverloadedError] * 2


def test_closing_twice_is_fine(bench):
    one = bench()
    one.submit(LONG)

    one.batcher.close(drain_s=5)
    one.batcher.close(drain_s=5)

    assert not any(thread.is_alive() for thread in one.batcher._threads)


def test_model_is_held_while_its_batch_runs(bench):
    one = bench()
    one.model.gate.clear()
    (gone,) = start(
        lambda: one.submit(LONG, deadline=time.monotonic() + 0.02, keep_alive_s=0)
    )
    assert isinstance(gone.join(), DeadlineError)
    sweep(one.pool)
    assert not one.model.is_closed

    one.model.gate.set()

    until(lambda: one.model.is_closed)


def test_short_request_runs_in_its_callers_thread_when_a_stream_is_free(bench):
    one = bench()
    threads = []
    embed = one.model.embed
    one.model.embed = lambda rows: [threads.append(threading.get_ident()), embed(rows)][
        1
    ]

    one.submit(make_row(SMALLEST_BATCH))
    one.submit(LONG)

    assert threads[0] == threading.get_ident()
    assert threads[1] == one.batcher._threads[0].ident


def test_short_request_waits_its_turn_when_no_stream_is_free(bench):
    one = bench(streams=1)
    first = one.occupy()
    (second,) = start(lambda: one.submit(make_row(2)))
    until(lambda: one.batcher.status().queued_texts == 1)

    assert one.batcher.status().busy_streams == 1
    one.model.gate.set()

    assert len(first.join()) == len(second.join()) == 1


def test_no_more_batches_run_at_once_than_there_are_streams(bench):
    one = bench(streams=2, batch_tokens=SMALLEST_BATCH)
    one.model.gate.clear()
    # No two of them share a batch, in whatever order they come.
    rows = [make_row(80), LONG, make_row(90)] * 3
    running = start(*[lambda row=row: one.submit(row) for row in rows])
    until(lambda: one.batcher.status().queued_texts == 7)

    assert one.batcher.status().busy_streams == 2
    one.model.gate.set()

    assert [len(request.join()) for request in running] == [1] * 9
    assert one.batcher.status().busy_streams == 0


def test_tenant_may_fill_half_the_queue_where_others_may_fill_the_rest(bench):
    one = bench(queue_tokens=200)
    first = one.occupy()
    (waiting,) = start(lambda: one.submit(make_row(60), tenant="flood"))
    until(lambda: one.batcher.status().queued_tokens == 60)

    with pytest.raises(TenantOverloadedError):
        one.submit(make_row(41), tenant="flood")

    (other,) = start(lambda: one.submit(make_row(41), tenant="small"))
    until(lambda: one.batcher.status().queued_tokens == 101)
    one.model.gate.set()
    assert len(first.join()) == len(waiting.join()) == len(other.join()) == 1


def test_batch_jobs_let_others_go_first(bench):
    one = bench(batch_tokens=SMALLEST_BATCH)
    first = one.occupy()
    jobs = start(*[lambda: one.submit(make_row(100), is_batch=True)] * 2)
    until(lambda: one.batcher.status().queued_texts == 2)
    (asked,) = start(lambda: one.submit(make_row(101)))
    until(lambda: one.batcher.status().queued_texts == 3)
    one.model.gate.set()

    assert all(len(one.join()) == 1 for one in (first, asked, *jobs))
    assert one.model.batches == [[1], [101], [100], [100]]


def test_status_counts_what_waits_and_what_was_done(bench):
    one = bench()
    one.submit(make_row(10), make_row(8))
    one.submit(LONG)
    first = one.occupy()
    (waiting,) = start(lambda: one.submit(make_row(30), make_row(40)))
    until(lambda: one.batcher.status().queued_texts == 2)

    status = one.batcher.status()

    assert (status.queued_tokens, status.busy_streams) == (70, 1)
    tally = status.tally
    assert (tally.texts, tally.tokens, tally.batches) == (3, 147, 2)
    assert (tally.padded_tokens, tally.failed) == (149, 0)
    assert (status.trouble, status.is_lost) == ("", False)
    one.model.gate.set()
    first.join()
    waiting.join()


def test_retry_after_is_what_the_queue_takes(bench):
    now = [0.0]
    one = bench(queue_tokens=9000, clock=lambda: now[0])
    one.model.on_embed = lambda: now.__setitem__(0, now[0] + 1.0)
    for _ in range(30):
        one.submit(make_row(500), make_row(500))
    one.model.on_embed = lambda: None
    first = one.occupy()
    (waiting,) = start(lambda: one.submit(make_row(8000)))
    until(lambda: one.batcher.status().queued_texts == 1)

    with pytest.raises(OverloadedError) as caught:
        one.submit(make_row(1001), tenant="other")

    assert caught.value.retry_after_s == pytest.approx(8, abs=1)
    one.model.gate.set()
    first.join()
    waiting.join()
