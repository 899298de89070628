"""Counts, speed, the batch budget and what runs."""

import threading

import pytest

from embeddings.engine.tally import (
    FIRST_SPEED,
    QUICK_S,
    REGROW_AFTER,
    STALL_S,
    BatchBudget,
    Running,
    Tally,
)


def test_speed_follows_the_long_batches():
    tally = Tally()
    assert tally.tokens_per_s == FIRST_SPEED

    for _ in range(100):
        tally.ran(tokens=20_000, padded_tokens=20_000, seconds=1.0)
        tally.ran(tokens=10, padded_tokens=10, seconds=0.005)

    assert tally.tokens_per_s == pytest.approx(20_000, rel=0.02)
    assert tally.batches == 200


def test_batch_without_measurable_time_is_counted():
    tally = Tally()

    tally.ran(tokens=5, padded_tokens=6, seconds=0.0)

    assert (tally.batches, tally.padded_tokens) == (1, 6)
    assert tally.tokens_per_s > FIRST_SPEED


def test_quick_batch_takes_a_moment_whatever_the_speed():
    tally = Tally()
    before = tally.quick_tokens

    tally.ran(tokens=1_000_000, padded_tokens=1_000_000, seconds=10.0)

    assert before == int(FIRST_SPEED * QUICK_S)
    assert tally.quick_tokens == int(tally.tokens_per_s * QUICK_S) > before


def test_budget_halves_down_to_one_text():
    budget = BatchBudget(1000)

    budget.shrink(longest=10, rows=200)
    assert budget.tokens == 500
    budget.shrink(longest=10, rows=20)
    assert budget.tokens == 100
    budget.shrink(longest=300, rows=1)
    assert budget.tokens == 300


def test_budget_grows_back_to_what_it_was():
    budget = BatchBudget(1000)
    budget.shrink(longest=1, rows=900)

    for _ in range(REGROW_AFTER - 1):
        budget.succeed()
    assert budget.tokens == 450
    budget.succeed()
    assert budget.tokens == 496

    for _ in range(REGROW_AFTER * 20):
        budget.succeed()
    assert budget.tokens == 1000


def test_batch_hangs_after_a_while():
    running = Running()
    running.begin(10.0, patience_s=7.0)

    assert running.stalled(17.0) == 0
    assert running.stalled(17.1) == 1
    assert running.end(15.0) == 5.0
    assert (len(running), running.stalled(1e9)) == (0, 0)


def test_each_thread_has_its_batch():
    running = Running()
    running.begin(0.0, patience_s=1.0)
    other = threading.Thread(target=lambda: running.begin(1.0, patience_s=1.0))
    other.start()
    other.join()

    assert len(running) == 2
    assert [running.stalled(now) for now in (1.0, 1.5, 2.5)] == [0, 1, 2]


def test_large_batches_may_take_their_time():
    tally = Tally()

    assert tally.patience_s(2048) == STALL_S
    assert tally.patience_s(100_000) == 10 * 100_000 / FIRST_SPEED
