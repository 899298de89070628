"""What fails in a batch fails alone, and leaves the batcher as it was."""

import pytest

from embeddings.engine.errors import ForwardError, OverloadedError
from tests.embeddings.engine.bench import NAN, POISON
from tests.embeddings.engine.making import make_row, start, until


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
    assert one.batcher._budget < 1000


def test_budget_grows_again(bench):
    one = bench(batch_tokens=130)
    one.model.most_tokens = 100
    one.submit(*[make_row(20)] * 6)
    one.model.most_tokens = 10**9
    shrunk = one.batcher._budget

    for _ in range(100):
        one.submit(make_row(1))

    assert shrunk < one.batcher._budget <= 130


def test_text_without_memory_fails_alone(bench):
    one = bench()
    one.model.most_tokens = 100

    with pytest.raises(OverloadedError, match="no memory for input 0"):
        one.submit(make_row(101))

    assert len(one.submit(make_row(100))) == 1


@pytest.mark.parametrize("failure", [SystemExit(1), KeyboardInterrupt()], ids=repr)
def test_no_failure_ends_a_stream(bench, failure):
    one = bench()
    embed = one.model.embed

    def fail(rows):
        raise failure

    one.model.embed = fail
    with pytest.raises(ForwardError):
        one.submit(make_row(1))
    one.model.embed = embed

    assert len(one.submit(make_row(1))) == 1
    assert [thread.is_alive() for thread in one.batcher._threads] == [True]


def test_failure_outside_the_model_is_told_too(bench, caplog):
    one = bench()
    embed = one.model.embed
    one.model.embed = lambda _: "nonsense"

    with pytest.raises(ForwardError, match="the server failed"):
        one.submit(make_row(1))

    one.model.embed = embed
    assert len(one.submit(make_row(1))) == 1
    assert "outside the model" in caplog.text


def test_queue_is_empty_after_failures(bench):
    one = bench()
    with pytest.raises(ForwardError):
        one.submit(*[make_row(500, value=POISON)] * 20)

    assert one.batcher._queue.tokens == 0
    assert one.batcher._tickets == set()
