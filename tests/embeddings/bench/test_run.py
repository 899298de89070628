"""Taking turns."""

import numpy as np
import pytest

from embeddings.bench.plan import Figure, Kind, Row
from embeddings.bench.run import Score, least_cosine, measure_once, take_turns
from embeddings.bench.watch import Watch
from tests.embeddings.bench.making import make_contender


class Asked:
    """A contestant that remembers when it was asked what."""

    pids = ()
    peak_bytes = 5

    def __init__(self, name, kind, diary):
        self.contender = make_contender(name, kind)
        self.diary = diary

    def measure(self, row):
        self.diary.append((self.contender.name, row))
        return {Figure.BULK: float(len(self.diary))}


def take(contestants, scores, **how):
    take_turns(
        contestants, scores, watch=Watch(contestants), tell=lambda _: None, **how
    )


@pytest.fixture
def diary():
    return []


def test_contenders_take_turns_row_by_row_and_begin_in_turn(diary):
    both = [Asked("a", Kind.ENGINE, diary), Asked("b", Kind.SERVER, diary)]
    scores = {one.contender.name: Score(one.contender) for one in both}

    take(both, scores, rows={Row.BULK}, rounds=3)

    assert [name for name, _ in diary] == ["a", "b", "b", "a", "a", "b"]
    assert scores["a"].figures == {Figure.BULK: [1.0, 4.0, 5.0]}
    assert scores["a"].peak_bytes == 5
    assert scores["a"].idle_share is None


def test_nobody_is_asked_for_rows_that_are_not_theirs(diary):
    both = [Asked("a", Kind.ENGINE, diary), Asked("b", Kind.SERVER, diary)]
    scores = {one.contender.name: Score(one.contender) for one in both}

    take(both, scores, rows={Row.CLIENTS}, rounds=1)

    assert diary == [("b", Row.CLIENTS)]


def test_a_long_row_is_measured_once(diary):
    one = Asked("a", Kind.ENGINE, diary)
    score, told = Score(one.contender), []

    measure_once(one, Row.LONG, score, told.append)

    assert score.figures == {Figure.BULK: [1.0]}
    assert told == ["long, a"]


def test_the_least_cosine_is_that_of_the_worst_row():
    reference = np.array([[1, 0], [3, 4]], dtype=np.float32)
    vectors = np.array([[2, 0], [4, 3]], dtype=np.float32)

    assert least_cosine(vectors, reference) == pytest.approx(24 / 25)


@pytest.mark.parametrize(
    ("cosine", "disagrees"),
    [(None, False), (0.99991, False), (0.9998, True), (float("nan"), True)],
)
def test_other_vectors_are_no_result(cosine, disagrees):
    score = Score(make_contender(), cosine=cosine)

    assert score.disagrees is disagrees


def test_vectors_of_another_shape_agree_with_nothing():
    assert np.isnan(least_cosine(np.ones((2, 3)), np.ones((2, 4))))
