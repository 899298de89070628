"""What fails in a batch fails alone, and leaves the batcher as it was."""

import time

import pytest

from embeddings.engine import batcher
from embeddings.engine.batcher import SMALLEST_BATCH
from embeddings.engine.errors import DeadlineError, ForwardError, OverloadedError
from embeddings.engine.tally import STALL_S
from tests.embeddings.engine.bench import NAN, POISON
from tests.embeddings.engine.making import (
    FakeDeviceLostError,
    make_call,
    make_row,
    start,
    until,
)

#: What the caller runs itself, and what is worth a stream's while.
SHORT, LONG = make_row(5), make_row(SMALLEST_BATCH + 1)


def test_bad_text_fails_alone(bench):
    one = bench()
    one.occupy()
    values = [1, 2, POISON, 3, NAN, 4, 5]
    running = start(
        *[lambda value=value: one.submit(make_row(5, value=value)) for value in values]
    )
    until(lambda: one.batcher._queue.tokens == 35)
    one.model.gate.set()

    results = [request.join() for request in running]

    assert isinstance(results[2], ForwardError)
    assert isinstance(results[4], ForwardError)
    assert "not finite" in str(results[4])
    assert [results[n][0][0] for n in (0, 1, 3, 5, 6)] == [1, 2, 3, 4, 5]


def test_error_names_the_text(bench):
    rows = [make_row(5), make_row(5), make_row(5, value=POISON)]

    with pytest.raises(ForwardError, match="failed on input 2"):
        bench().submit(*rows)


def test_lack_of_memory_halves(bench):
    one = bench()
    one.model.most_tokens = 100

    vectors = one.submit(*[make_row(20, value=n) for n in range(40)])

    assert [int(vector[0]) for vector in vectors] == list(range(40))
    assert one.batcher._budget.tokens < 1000


def test_budget_grows_again(bench):
    one = bench(batch_tokens=130)
    one.model.most_tokens = 100
    one.submit(*[make_row(20)] * 6)
    one.model.most_tokens = 10**9
    shrunk = one.batcher._budget.tokens

    for _ in range(100):
        one.submit(make_row(1))

    assert shrunk < one.batcher._budget.tokens <= 130


def test_text_without_memory_fails_alone(bench):
    one = bench()
    one.model.most_tokens = 100

    with pytest.raises(OverloadedError, match="no memory for input 0"):
        one.submit(make_row(101))

    assert len(one.submit(make_row(100))) == 1


class Panic(BaseException):
    """What Rust's panics are in Python."""


@pytest.mark.parametrize("failure", [SystemExit(1), Panic("!")], ids=repr)
@pytest.mark.parametrize("row", [SHORT, LONG], ids=["here", "stream"])
def test_no_failure_of_the_model_outlives_its_batch(bench, failure, row):
    one = bench()
    embed = one.model.embed

    def fail(rows):
        raise failure

    one.model.embed = fail
    with pytest.raises(ForwardError):
        one.submit(row)
    one.model.embed = embed

    assert len(one.submit(row)) == 1
    assert all(thread.is_alive() for thread in one.batcher._threads)


def test_interrupt_from_the_terminal_is_not_the_models(bench):
    one = bench()

    def interrupt(rows):
        raise KeyboardInterrupt

    one.model.embed = interrupt
    with pytest.raises(KeyboardInterrupt):
        one.submit(SHORT)

    assert one.batcher.status().busy_streams == 0
    assert not one.batcher._tickets


@pytest.mark.parametrize("row", [SHORT, LONG], ids=["here", "stream"])
def test_failure_outside_the_model_is_told_too(bench, row, caplog):
    one = bench()
    embed = one.model.embed
    one.model.embed = lambda _: 5

    with pytest.raises(ForwardError, match="the server failed"):
        one.submit(row)

    one.model.embed = embed
    assert len(one.submit(row)) == 1
    assert "outside the model" in caplog.text


def test_wrong_number_of_vectors_fails_the_batch_and_is_counted(bench, caplog):
    one = bench()
    embed = one.model.embed
    one.model.embed = lambda rows: embed(rows)[1:]

    with pytest.raises(ForwardError, match="the server failed"):
        one.submit(*[SHORT] * 3)

    tally = one.batcher.status().tally
    assert (tally.mismatched, tally.failed, tally.texts) == (1, 3, 0)
    assert one.model.batches == [[5, 5, 5]]
    assert "3 texts became 2 vectors" in caplog.text


def test_text_without_memory_runs_once_more_when_idle_models_have_gone(bench):
    one = bench()
    with one.pool.lease(one.other, make_call()):
        one.model.most_tokens = 100
    one.others[0].on_close = lambda: setattr(one.model, "most_tokens", 200)

    vectors = one.submit(make_row(150))

    assert vectors[0][1] == 150
    assert one.others[0].is_closed
    assert one.model.batches == [[150], [150]]


def test_lost_device_fails_what_waits_and_what_comes(bench, caplog):
    one = bench()
    first = one.occupy()
    (waiting,) = start(lambda: one.submit(LONG))
    until(lambda: one.batcher.status().queued_texts == 1)
    one.model.failure = FakeDeviceLostError("illegal access")
    one.model.gate.set()

    results = [first.join(), waiting.join()]

    assert [type(error) for error in results] == [OverloadedError] * 2
    assert {error.retry_after_s for error in results} == {5.0}
    with pytest.raises(OverloadedError, match="the device is lost"):
        one.submit(SHORT)
    status = one.batcher.status()
    assert (status.trouble, status.is_lost) == ("the device is lost", True)
    assert "illegal access" in caplog.text


def test_batch_that_hangs_is_trouble_until_it_ends(bench):
    now = [0.0]
    one = bench(streams=2, clock=lambda: now[0])
    first = one.occupy()
    now[0] = STALL_S
    assert one.batcher.status().trouble == ""

    now[0] += 0.1
    status = one.batcher.status()

    assert status.trouble == "1 of 1 batches hang"
    assert not status.is_lost
    one.model.gate.set()
    first.join()
    assert one.batcher.status().trouble == ""


def test_streams_that_all_hang_are_lost(bench):
    now = [0.0]
    one = bench(streams=1, clock=lambda: now[0])
    first = one.occupy()

    now[0] = STALL_S + 1

    assert one.batcher.status().is_lost
    one.model.gate.set()
    first.join()


def test_dead_stream_is_replaced_by_the_next_request(bench, monkeypatch):
    one = bench()
    monkeypatch.setattr(one.batcher, "_work", lambda: None)
    with pytest.raises(DeadlineError):
        one.submit(LONG, deadline=time.monotonic() + 0.02)
    monkeypatch.undo()

    assert len(one.submit(LONG)) == 1


def test_stream_outlives_a_bug_of_the_queue(bench, monkeypatch, caplog):
    one = bench()
    monkeypatch.setattr(batcher, "REST_S", 0.0)
    take = one.batcher._queue.take

    def fail_once(**options):
        monkeypatch.setattr(one.batcher._queue, "take", take)
        raise RuntimeError("a bug")

    monkeypatch.setattr(one.batcher._queue, "take", fail_once)

    assert len(one.submit(LONG)) == 1
    assert "a stream failed outside of a batch" in caplog.text


def test_queue_is_empty_after_failures(bench):
    one = bench()
    with pytest.raises(ForwardError):
        one.submit(*[make_row(500, value=POISON)] * 20)

    assert one.batcher._queue.tokens == 0
    assert one.batcher._tickets == set()
