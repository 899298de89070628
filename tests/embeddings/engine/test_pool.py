"""The pool's promises, with models that are quick to load."""

import time
from contextlib import ExitStack

import pytest

from embeddings.engine import memory
from embeddings.engine.errors import (
    CancelledError,
    DeadlineError,
    ModelUnavailableError,
)
from tests.embeddings.engine.making import (
    FakeModel,
    make_call,
    make_spec,
    start,
    until,
)
from tests.embeddings.engine.shelf import Shelf, sweep, use


def test_fifty_first_requests_load_once(shelf, spec):
    shelf.gate.clear()
    running = start(*[lambda: use(shelf, spec("a"))] * 50)
    until(lambda: shelf.loads)
    shelf.gate.set()

    models = {id(one.join()) for one in running}

    assert len(models) == 1
    assert shelf.loads == ["a"]


def test_specs_with_one_key_share_the_weights(shelf, tiny):
    use(shelf, make_spec(tiny("minilm"), name="one"))
    use(shelf, make_spec(tiny("minilm"), name="two", max_tokens=5))

    assert shelf.loads == ["one"]


def test_a_model_on_its_way_is_not_found_yet(shelf, spec):
    shelf.gate.clear()
    running = start(lambda: use(shelf, spec("a")))
    until(lambda: shelf.loads)

    assert shelf.pool.find(spec("a")) is None
    shelf.gate.set()
    for one in running:
        one.join()
    assert shelf.pool.find(spec("a")).name == "a"


def test_memory_is_reserved_before_a_load_and_never_passed(shelf, spec):
    running = start(*[lambda n=n: use(shelf, spec(n)) for n in "abcdabcdabcd"])

    results = [one.join() for one in running]

    assert all(isinstance(result, FakeModel) for result in results)
    assert 0 < shelf.most_bytes <= 100


def test_least_recently_used_makes_room(shelf, spec):
    for name in ("a", "b", "a", "c"):
        shelf.now += 1
        use(shelf, spec(name))

    assert shelf.names() == {"a", "c"}
    assert shelf.models["b"].is_closed


def test_model_in_use_is_not_closed(shelf, spec):
    with shelf.pool.lease(spec("a"), make_call()):
        use(shelf, spec("b"))
        shelf.now += 1
        use(shelf, spec("c"))

        assert shelf.names() == {"a", "c"}


def test_idle_models_stay_when_closing_them_would_not_help(shelf, spec):
    shelf.sizes = {"big": 90}
    use(shelf, spec("b"))
    with shelf.pool.lease(spec("a"), make_call()):
        big = make_call(deadline=time.monotonic() + 0.05)

        with pytest.raises(DeadlineError):
            use(shelf, spec("big"), deadline=big.deadline)

        assert shelf.names() == {"a", "b"}


def test_model_larger_than_all_memory_is_refused_at_once(shelf, spec):
    shelf.sizes = {"huge": 101 << 20}

    with pytest.raises(ModelUnavailableError, match="needs 101 MiB"):
        use(shelf, spec("huge"))

    assert shelf.loads == []


def test_busy_model_is_drained_for_one_that_waits(spec, monkeypatch):
    monkeypatch.setattr(memory, "DRAIN_AFTER_S", 0.0)
    shelf = Shelf(memory_bytes=50)
    lease = ExitStack()
    lease.enter_context(shelf.pool.lease(spec("a"), make_call()))
    (other,) = start(lambda: use(shelf, spec("b")))
    until(lambda: not shelf.pool.has(spec("a")))

    assert not shelf.models["a"].is_closed
    lease.close()

    assert other.join() is shelf.models["b"]
    assert shelf.models["a"].is_closed
    shelf.pool.close(timeout_s=5)


def test_keep_alive_of_zero_unloads_when_idle(shelf, spec):
    with shelf.pool.lease(spec("a"), make_call(keep_alive_s=0)):
        sweep(shelf.pool)
        assert shelf.names() == {"a"}

    until(lambda: shelf.models["a"].is_closed)
    assert shelf.names() == set()


def test_keep_alive_expires(shelf, spec):
    use(shelf, spec("a"), keep_alive_s=10)
    shelf.now += 9.9
    sweep(shelf.pool)
    assert shelf.names() == {"a"}

    shelf.now += 0.1
    sweep(shelf.pool)

    assert shelf.models["a"].is_closed


def test_negative_keep_alive_outlives_time_but_not_need(shelf, spec):
    use(shelf, spec("a"), keep_alive_s=-1)
    shelf.now += 10**9
    sweep(shelf.pool)
    assert shelf.names() == {"a"}

    use(shelf, spec("b"))
    use(shelf, spec("c"))

    assert shelf.models["a"].is_closed


def test_calls_without_a_wish_leave_the_keep_alive(shelf, spec):
    use(shelf, spec("a"), keep_alive_s=-1)
    use(shelf, spec("a"))

    (model,) = shelf.pool.status().models
    assert model.expires_in_s is None


def test_models_expire_by_themselves(spec):
    shelf = Shelf(keep_alive_s=0.05, clock=time.monotonic)
    use(shelf, spec("a"))

    until(lambda: not shelf.pool.status().models)

    assert shelf.models["a"].is_closed
    shelf.pool.close(timeout_s=5)


def test_load_that_nobody_waits_for_is_given_up(shelf, spec):
    with shelf.pool.lease(spec("a"), make_call()):
        with (
            shelf.pool.lease(spec("b"), make_call()),
            pytest.raises(DeadlineError, match="loading c"),
        ):
            use(shelf, spec("c"), deadline=time.monotonic() + 0.02)
        until(lambda: not shelf.pool.has(spec("c")))

    assert shelf.loads == ["a", "b"]


def test_hold_comes_too_late_once_closing_began(shelf, spec):
    with shelf.pool.lease(spec("a"), make_call(keep_alive_s=0)) as resident:
        assert shelf.pool.hold(resident)
        shelf.pool.release(resident)
    until(lambda: shelf.models["a"].is_closed)

    assert not shelf.pool.hold(resident)
    assert resident.uses == 0


def test_status_tells_what_is_there(shelf, spec):
    use(shelf, spec("a"))
    with shelf.pool.lease(spec("a"), make_call(keep_alive_s=60)):
        shelf.gate.clear()
        (waiting,) = start(lambda: use(shelf, spec("b")))
        until(lambda: "b" in shelf.loads)
        status = shelf.pool.status()
        shelf.gate.set()
        waiting.join()

    (model,) = status.models
    assert (model.name, model.device, model.bytes) == ("a", "cpu", 40)
    assert (model.in_use, model.requests, model.expires_in_s) == (1, 2, 60)
    assert (status.loading, status.failed) == (("b",), ())
    assert (status.memory_bytes, status.used_bytes) == (100, 80)
    assert (status.loads_total, status.unloads_total) == (1, 0)


def test_unload_waits_for_those_in_use_and_loads_anew_for_others(shelf, spec):
    with shelf.pool.lease(spec("a"), make_call()) as first:
        assert shelf.pool.unload(spec("a"))
        assert not first.model.is_closed

        assert use(shelf, spec("a")) is not first.model

    until(lambda: shelf.pool.status().unloads_total == 1)
    assert shelf.loads == ["a", "a"]


def test_unload_closes_what_is_idle(shelf, spec):
    use(shelf, spec("a"), keep_alive_s=-1)

    assert shelf.pool.unload(spec("a"))

    until(lambda: shelf.models["a"].is_closed)
    assert not shelf.pool.unload(spec("a"))


def test_evicting_leaves_what_is_in_use(shelf, spec):
    use(shelf, spec("b"))
    with shelf.pool.lease(spec("a"), make_call()):
        shelf.pool.evict_idle()

        assert shelf.names() == {"a"}
        assert shelf.models["b"].is_closed


def test_caller_that_leaves_during_a_load_is_waited_for_no_longer(shelf, spec):
    shelf.gate.clear()
    (gone,) = start(lambda: use(shelf, spec("a"), is_gone=lambda: True))

    assert isinstance(gone.join(), CancelledError)
    (stays,) = start(lambda: use(shelf, spec("a")))
    shelf.gate.set()

    assert stays.join() is shelf.models["a"]
    assert shelf.loads == ["a"]


def test_dead_thread_is_replaced_by_the_next_request(shelf, spec, monkeypatch):
    monkeypatch.setattr(shelf.pool, "_work", lambda: None)
    with pytest.raises(DeadlineError):
        use(shelf, spec("a"), deadline=time.monotonic() + 0.02)
    monkeypatch.undo()

    assert use(shelf, spec("a")) is shelf.models["a"]


def test_close_waits_for_those_in_use_and_refuses_others(shelf, spec):
    with shelf.pool.lease(spec("a"), make_call()):
        shelf.pool.close(timeout_s=0.01)
        assert not shelf.models["a"].is_closed
        with pytest.raises(ModelUnavailableError, match="shutting down"):
            use(shelf, spec("a"))

    shelf.pool.close(timeout_s=5)

    assert shelf.models["a"].is_closed
    assert not shelf.pool._thread.is_alive()


def test_close_fails_those_that_wait_for_memory(shelf, spec):
    shelf.sizes = {"b": 90}
    with shelf.pool.lease(spec("a"), make_call()):
        (waiting,) = start(lambda: use(shelf, spec("b")))
        until(lambda: shelf.pool.has(spec("b")))
        shelf.pool.close(timeout_s=0.01)

        assert isinstance(waiting.join(), ModelUnavailableError)
