"""So many calls at once, tenants in turns, errors told, nobody waits in vain."""

import threading
import time
from dataclasses import replace

import pytest

from embeddings.engine.errors import (
    CancelledError,
    DeadlineError,
    OverloadedError,
)
from embeddings.engine.remote.failures import (
    BadAnswerError,
    StatusError,
    UnreachableError,
)
from embeddings.engine.remote.line import Line, Rules, Work
from tests.embeddings.engine.making import PATIENCE_S, make_call, start, until

RULES = Rules(concurrency=2, attempts=3, timeout_s=20.0)
ONE = Rules(concurrency=1, attempts=1, timeout_s=20.0)


def work(run, *, cost=1, retried=lambda: None):
    return Work(cost=cost, run=lambda _: run(), retried=retried)


class Gate:
    """A call that waits to be let through, and notes who it was."""

    def __init__(self):
        self.order = []
        self.came = threading.Semaphore(0)
        self.let = threading.Semaphore(0)

    def call(self, name, *, cost=1):
        def run():
            self.order.append(name)
            self.came.release()
            assert self.let.acquire(timeout=PATIENCE_S)
            return name

        return work(run, cost=cost)

    def await_one(self):
        assert self.came.acquire(timeout=PATIENCE_S)


def test_results_come_in_order():
    line = Line("test")

    found = line.run([work(lambda n=n: n) for n in range(20)], make_call(), rules=RULES)

    assert found == list(range(20))
    assert line.run([], make_call(), rules=RULES) == []


def test_no_more_run_at_once_than_may_however_many_wait():
    line, gate = Line("test"), Gate()
    running = start(
        *[
            lambda n=n: line.run(
                [gate.call((n, m)) for m in range(3)], make_call(), rules=RULES
            )
            for n in range(4)
        ]
    )
    gate.await_one()
    gate.await_one()

    assert not gate.came.acquire(timeout=0.05)
    gate.let.release(12)

    assert [one.join() for one in running] == [
        [(n, m) for m in range(3)] for n in range(4)
    ]


def test_a_newcomer_finds_a_place_beside_one_that_wants_all():
    line, gate = Line("test"), Gate()
    four = replace(RULES, concurrency=4)
    greedy = start(
        lambda: line.run(
            [gate.call("greedy") for _ in range(9)],
            make_call(tenant="greedy"),
            rules=four,
        )
    )
    for _ in range(3):
        gate.await_one()
    assert not gate.came.acquire(timeout=0.05)

    other = start(
        lambda: line.run([gate.call("other")], make_call(tenant="other"), rules=four)
    )
    gate.await_one()

    assert gate.order == [*["greedy"] * 3, "other"]
    gate.let.release(10)
    for one in greedy + other:
        one.join()


def waiting(line, gate, calls):
    """Start a blocker, then let each call wait in turn; the calls that run."""
    first = start(lambda: line.run([gate.call("first")], make_call(), rules=ONE))
    gate.await_one()
    running = []
    for count, (works, call) in enumerate(calls, start=1):
        running += start(
            lambda works=works, call=call: line.run(works, call, rules=ONE)
        )
        until(lambda count=count: len(line._errands) == count + 1)
    return first + running


def test_tenants_take_turns_by_weight():
    line, gate = Line("test"), Gate()
    bulk = [gate.call("a") for _ in range(8)]
    heavy = [gate.call("b") for _ in range(8)]
    running = waiting(
        line,
        gate,
        [
            (bulk, make_call(tenant="a")),
            (heavy, make_call(tenant="b", weight=3.0)),
            ([gate.call("c")], make_call(tenant="c")),
        ],
    )

    gate.let.release(18)
    for one in running:
        one.join()

    assert "c" in gate.order[1:5]
    assert gate.order[1:10].count("b") >= 5
    assert gate.order[1:10].count("a") >= 2


def test_batch_jobs_come_after_all_others():
    line, gate = Line("test"), Gate()
    running = waiting(
        line,
        gate,
        [
            ([gate.call("batch")], make_call(tenant="a", is_batch=True)),
            ([gate.call("x"), gate.call("y")], make_call(tenant="b")),
        ],
    )

    gate.let.release(4)
    for one in running:
        one.join()

    assert gate.order == ["first", "x", "y", "batch"]


def test_what_may_succeed_later_is_tried_again():
    line, failures, retried = Line("test"), [UnreachableError(), StatusError(500)], []
    failures[0].retry_after_s = 0.0
    failures[1].retry_after_s, failures[1].may_retry = 0.0, True

    def run():
        if failures:
            raise failures.pop()
        return "good"

    found = line.run(
        [work(run, retried=lambda: retried.append(1))], make_call(), rules=RULES
    )

    assert (found, len(retried)) == (["good"], 2)


@pytest.mark.parametrize(
    ("failure", "tries"),
    [
        (StatusError(503, may_retry=True, retry_after_s=0.0), 3),
        (StatusError(400), 1),
        (StatusError(429, may_retry=True, retry_after_s=3600), 1),
    ],
    ids=["attempts", "of no use", "beyond the deadline"],
)
def test_what_fails_for_good(failure, tries):
    line, seen = Line("test"), []

    def run():
        seen.append(1)
        raise failure

    with pytest.raises(StatusError) as caught:
        line.run([work(run)], make_call(), rules=RULES)

    assert caught.value is failure
    assert len(seen) == tries


def test_a_pause_takes_no_place():
    line, seen = Line("test"), []
    later = StatusError(429, may_retry=True, retry_after_s=0.2)

    def limited():
        seen.append("limited")
        if len(seen) == 1:
            raise later

    running = start(
        lambda: line.run(
            [work(limited)],
            make_call(),
            rules=Rules(concurrency=1, attempts=2, timeout_s=9),
        )
    )
    until(lambda: seen == ["limited"])
    line.run([work(lambda: seen.append("other"))], make_call(), rules=ONE)
    running[0].join()

    assert seen == ["limited", "other", "limited"]


def test_one_failure_drops_what_waits():
    line, seen = Line("test"), []

    def fail():
        raise BadAnswerError("no")

    with pytest.raises(BadAnswerError):
        line.run(
            [work(fail), *[work(lambda: seen.append(1)) for _ in range(50)]],
            make_call(),
            rules=ONE,
        )
    line.run([work(lambda: None)], make_call(), rules=ONE)

    assert not seen


def test_a_bug_is_told_without_its_words(caplog):
    line = Line("test")

    def run():
        raise ValueError("a bug")

    with pytest.raises(BadAnswerError, match="ValueError"):
        line.run([work(run)], make_call(), rules=RULES)
    assert line.run([work(lambda: 1)], make_call(), rules=RULES) == [1]


def test_a_deadline_ends_the_wait_and_drops_the_call():
    line, gate, seen = Line("test"), Gate(), []
    blocker = start(lambda: line.run([gate.call("a")], make_call(), rules=ONE))
    gate.await_one()

    with pytest.raises(DeadlineError):
        line.run(
            [work(lambda: seen.append(1))],
            make_call(deadline=time.monotonic() + 0.05),
            rules=ONE,
        )

    gate.let.release()
    blocker[0].join()
    line.run([work(lambda: None)], make_call(), rules=ONE)
    assert not seen


def test_a_caller_that_went_away_waits_no_longer():
    line, gate = Line("test"), Gate()

    with pytest.raises(CancelledError):
        line.run([gate.call("a")], make_call(is_gone=lambda: True), rules=ONE)

    gate.let.release()


def test_a_call_has_until_its_timeout_or_the_deadline():
    line, seen = Line("test"), []
    rules = Rules(concurrency=1, attempts=1, timeout_s=5.0)

    for seconds in (2.0, 500.0):
        now = time.monotonic()
        line.run(
            [Work(cost=1, run=lambda ends_at, now=now: seen.append(ends_at - now))],
            make_call(deadline=now + seconds),
            rules=rules,
        )

    assert seen[0] <= 2.0
    assert 4.9 < seen[1] < 5.0 + PATIENCE_S


def test_no_thread_is_left_when_nothing_waits():
    line = Line("left-over")

    line.run([work(lambda: 1)] * 5, make_call(), rules=RULES)

    until(lambda: line._threads == 0)
    assert not line._tags


def test_a_line_that_closes_drains_then_refuses():
    line, gate = Line("test"), Gate()
    running = start(lambda: line.run([gate.call("a")], make_call(), rules=ONE))
    gate.await_one()
    closing = start(lambda: line.close(drain_s=PATIENCE_S))
    gate.let.release()
    closing[0].join()

    assert running[0].join() == ["a"]
    with pytest.raises(OverloadedError):
        line.run([work(lambda: 1)], make_call(), rules=ONE)


def test_what_hangs_is_failed_at_the_end():
    line, gate = Line("test"), Gate()
    running = start(lambda: line.run([gate.call("a")], make_call(), rules=ONE))
    gate.await_one()

    line.close(drain_s=0)

    assert isinstance(running[0].join(), OverloadedError)
    gate.let.release()


def test_weights_are_positive():
    with pytest.raises(ValueError, match="positive"):
        Line("test").run([work(lambda: 1)], make_call(weight=0.0), rules=ONE)


def test_one_call_takes_one_thread():
    line, gate = Line("test"), Gate()
    rules = Rules(concurrency=8, attempts=1, timeout_s=20.0)
    running = start(lambda: line.run([gate.call("a")], make_call(), rules=rules))
    gate.await_one()

    assert line._threads == 1
    gate.let.release()
    running[0].join()
