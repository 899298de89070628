"""What the trials ask for, and what they make of what tenants got."""

import math

import pytest

from embeddings.bench.fairness import trials
from embeddings.bench.fairness.clients import Got, Served, Target
from embeddings.bench.fairness.trials import Stage, Weights


class Server:
    """Serves each tenant's demand in a way that is told beforehand, run by run."""

    def __init__(self, *runs):
        self.runs, self.asked = list(runs), []

    def compete(self, _, demands):
        self.asked.append(demands)
        return self.runs.pop(0)


def got(tokens, *, seconds=0.1, refused=0):
    return Got(served=[Served(5.0, seconds, tokens)], refused=refused)


@pytest.fixture
def stage(monkeypatch):
    monkeypatch.setattr(trials, "paragraphs", lambda count: ("text",) * count)
    target = Target(url="http://127.0.0.1:1", model="m", seconds=10.0)
    return Stage(target=target, connections=8)


def test_modest_tenants_are_measured_without_and_beside_a_greedy_one(
    monkeypatch, stage
):
    alone = [got(400), got(400)]
    beside = [got(4000, refused=7), got(400, seconds=0.3, refused=1), got(200)]
    server = Server([got(1)], [got(8000)], alone, beside)
    monkeypatch.setattr(trials, "compete", server.compete)

    found = trials.neighbours(stage, ["g", "a", "b"], tell=lambda _: None)

    greedy, *modest = server.asked[-1]
    assert found.capacity == 1000.0
    assert (greedy.key, greedy.connections, greedy.tokens_per_s) == ("g", 6, 10_000.0)
    assert [one.key for one in modest] == ["a", "b"]
    assert {one.tokens_per_s for one in modest} == {50.0}
    assert server.asked[2] == modest
    assert (found.wanted, found.got_alone, found.got_beside) == (100.0, 100.0, 75.0)
    assert found.slowdown == pytest.approx(3.0)
    assert (found.greedy_got, found.refused, found.greedy_refused) == (500.0, 1, 7)


def test_weights_are_compared_by_tokens(monkeypatch, stage):
    server = Server([got(6000), got(3000)])
    monkeypatch.setattr(trials, "compete", server.compete)

    found = trials.weights(stage, ["h", "l"], heavy=2.0, tell=lambda _: None)

    assert [one.connections for one in server.asked[0]] == [4, 4]
    assert found.ratio == 2.0


def test_one_that_got_nothing_at_all_is_no_crash():
    assert Weights(heavy_weight=2.0, heavy=1.0, light=0.0).ratio == math.inf
