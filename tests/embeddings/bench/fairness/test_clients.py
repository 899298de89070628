"""Clients of several tenants."""

import pytest

from embeddings.bench.fairness.clients import Demand, Got, Served, Target, compete
from embeddings.bench.load import BadAnswerError
from tests.embeddings.bench.listening import listening


@pytest.fixture
def listener():
    with listening() as found:
        yield found


def target_of(listener, seconds=0.2):
    return Target(url=f"{listener.url}/embeddings", model="m", seconds=seconds)


def test_each_tenant_asks_with_its_key_and_gets_its_tokens(listener):
    demands = [
        Demand(key="one", connections=2, requests=[("ab", "c")]),
        Demand(key="two", connections=1, requests=[("abcd",)]),
    ]

    first, second = compete(target_of(listener), demands)

    assert {one.tokens for one in first.served} == {3}
    assert {one.tokens for one in second.served} == {4}
    assert len(first.served) + len(second.served) == len(listener.asked)
    assert listener.keys == {"Bearer one", "Bearer two"}


def test_a_pace_is_kept_by_all_connections_together(listener):
    slow = Demand(key="k", connections=2, requests=[("abcd",)], tokens_per_s=0.1)

    [got] = compete(target_of(listener), [slow])

    assert len(got.served) == 2


def test_neighbours_begin_with_different_texts(listener):
    slow = Demand(key="k", connections=2, requests=[("a",), ("b",)], tokens_per_s=0.001)

    compete(target_of(listener), [slow])

    assert sorted(body["input"] for body in listener.asked) == [["a"], ["b"]]


def test_who_is_sent_away_comes_again_later(listener):
    listener.status = 429

    [got] = compete(
        target_of(listener), [Demand(key="k", connections=3, requests=[("a",)])]
    )

    assert (got.served, got.refused) == ([], 3)


def test_another_answer_is_a_failure(listener):
    listener.status = 500

    with pytest.raises(BadAnswerError, match="embedding"):
        compete(
            target_of(listener), [Demand(key="k", connections=1, requests=[("a",)])]
        )


def test_nobody_there_is_a_failure():
    target = Target(url="http://127.0.0.1:1/e", model="m", seconds=0.1)

    with pytest.raises(BadAnswerError, match="refused"):
        compete(target, [Demand(key="k", connections=1, requests=[("a",)])])


def test_rates_are_of_a_stretch_of_the_run():
    got = Got(served=[Served(0.5, 0.1, 100), Served(1.5, 0.2, 30), Served(3.0, 0.3, 9)])

    assert got.tokens_per_s(since_s=1.0, until_s=3.0) == 15.0
    assert got.latencies(since_s=1.0) == [0.2, 0.3]
