"""Loads and ends that fail."""

import pytest

from embeddings.engine import pool
from embeddings.engine.errors import ModelUnavailableError
from tests.embeddings.engine.making import FakeOutOfMemoryError, start, until
from tests.embeddings.engine.shelf import sweep, use


def test_failed_load_is_told_to_all_and_not_tried_at_once(shelf, spec):
    shelf.failure = ModelUnavailableError("broken folder")

    results = [one.join() for one in start(*[lambda: use(shelf, spec("a"))] * 5)]
    results += [one.join() for one in start(lambda: use(shelf, spec("a")))]

    assert {str(error) for error in results} == {"broken folder"}
    assert len({id(error) for error in results}) == 6
    assert shelf.loads == ["a"]


def test_failed_load_is_tried_again_after_its_pause(shelf, spec):
    shelf.failure = ModelUnavailableError("broken")
    with pytest.raises(ModelUnavailableError):
        use(shelf, spec("a"))
    shelf.failure = None
    shelf.now += 30

    assert use(shelf, spec("a")) is shelf.models["a"]


def test_success_starts_the_pauses_anew(shelf, spec):
    pauses = []
    for failure in (ModelUnavailableError("broken"), None) * 2:
        shelf.failure = failure
        try:
            use(shelf, spec("a"), keep_alive_s=0)
            until(lambda: shelf.models["a"].is_closed)
        except ModelUnavailableError as error:
            pauses.append(error.retry_after_s)
            shelf.now += error.retry_after_s

    assert pauses == [30, 30]


class Panic(BaseException):
    """What Rust's panics are in Python."""


@pytest.mark.parametrize("failure", [OSError("/secret/path"), Panic("!")], ids=repr)
def test_unforeseen_failures_show_no_detail_and_leave_the_thread(
    shelf, spec, failure, caplog
):
    shelf.failure = failure
    with pytest.raises(ModelUnavailableError, match=r"^a cannot be loaded$"):
        use(shelf, spec("a"))
    shelf.failure = None

    assert use(shelf, spec("b")) is shelf.models["b"]
    assert "a cannot be loaded" in caplog.text


def test_failed_load_gives_its_memory_back(shelf, spec):
    shelf.failure = ModelUnavailableError("broken")
    for name in "abc":
        with pytest.raises(ModelUnavailableError):
            use(shelf, spec(name))

    assert shelf.pool.status().used_bytes == 0


def test_error_on_closing_a_model_frees_its_memory(shelf, spec, caplog):
    def fail():
        raise OSError("no")

    use(shelf, spec("a")).close = fail
    shelf.now += 1000
    sweep(shelf.pool)

    assert shelf.pool.status().used_bytes == 0
    assert "closing a failed" in caplog.text


def test_load_without_memory_is_tried_once_more_without_idle_models(shelf, spec):
    use(shelf, spec("idle"))
    shelf.models["idle"].on_close = lambda: setattr(shelf, "failure", None)
    shelf.failure = FakeOutOfMemoryError()

    assert use(shelf, spec("a")) is shelf.models["a"]

    assert shelf.loads == ["idle", "a", "a"]
    assert shelf.names() == {"a"}


def test_load_that_finds_no_memory_twice_is_not_remembered(shelf, spec):
    shelf.failure = FakeOutOfMemoryError()
    with pytest.raises(ModelUnavailableError, match="no memory for a now") as caught:
        use(shelf, spec("a"))
    shelf.failure = None

    assert caught.value.retry_after_s == 5
    assert use(shelf, spec("a")) is shelf.models["a"]
    assert shelf.loads == ["a", "a", "a"]


def test_failure_that_is_forgotten_may_be_tried_at_once(shelf, spec):
    shelf.failure = ModelUnavailableError("broken")
    with pytest.raises(ModelUnavailableError):
        use(shelf, spec("a"))
    shelf.failure = None
    assert [one.name for one in shelf.pool.status().failed] == ["a"]

    assert shelf.pool.retry(spec("a"))

    assert use(shelf, spec("a")) is shelf.models["a"]
    assert shelf.pool.status().failed == ()
    assert not shelf.pool.retry(spec("a"))


def test_thread_outlives_a_bug_of_the_pool(shelf, spec, monkeypatch, caplog):
    monkeypatch.setattr(pool, "REST_S", 0.0)
    next_step = shelf.pool._memory.next_step

    def fail_once():
        monkeypatch.setattr(shelf.pool._memory, "next_step", next_step)
        raise RuntimeError("a bug")

    monkeypatch.setattr(shelf.pool._memory, "next_step", fail_once)

    assert use(shelf, spec("a")) is shelf.models["a"]
    assert "the pool failed outside of a model" in caplog.text
