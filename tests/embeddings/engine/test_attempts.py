"""What becomes of a batch that fails, without threads."""

import pytest

from embeddings.engine.attempts import Attempts, DeviceLostError
from embeddings.engine.errors import ForwardError, OverloadedError
from embeddings.engine.tickets import Item, Ticket
from tests.embeddings.engine.making import (
    FakeDeviceLostError,
    FakeModel,
    is_device_lost,
    make_row,
)

POISON, NAN = 666, 999


class Trial:
    """One model's attempts, and all that they told."""

    def __init__(self, *, on_room=lambda: None):
        self.model = FakeModel(poison=POISON, nan=NAN)
        self.outcomes = []
        self.shrunk = []
        self.rooms = 0
        self._on_room = on_room
        self.attempts = Attempts(
            deliver=self.outcomes.append,
            shrunk=lambda items: self.shrunk.append(len(items)),
            make_room=self._make_room,
            is_device_lost=is_device_lost,
        )

    def _make_room(self):
        self.rooms += 1
        self._on_room()

    def run(self, *rows):
        ticket = Ticket(resident=None, tenant="t", weight=1.0, rows=rows)
        self.ticket = ticket
        self.attempts.run(self.model, [Item(ticket, n) for n in range(len(rows))])

    def vectors(self):
        """The first value of each vector, by its text's place."""
        return {
            item.index: vector[0]
            for outcome in self.outcomes
            for item, vector in zip(outcome.items, outcome.vectors, strict=False)
        }

    def errors(self):
        """The error of each text that failed, by its place."""
        return {
            item.index: outcome.error
            for outcome in self.outcomes
            if outcome.error
            for item in outcome.items
        }


@pytest.fixture
def trial():
    return Trial()


def rows(*values, length=5):
    return [make_row(length, value=value) for value in values]


def test_good_batch_is_one_forward(trial):
    trial.run(*rows(1, 2, 3))

    assert trial.vectors() == {0: 1, 1: 2, 2: 3}
    assert trial.model.batches == [[5, 5, 5]]


def test_bad_text_is_found_by_halves(trial):
    trial.run(*rows(1, 2, POISON, 4))

    assert trial.vectors() == {0: 1, 1: 2, 3: 4}
    assert str(trial.errors()[2]) == "the model failed on input 2"
    assert trial.model.batches == [[5] * 4, [5] * 2, [5] * 2, [5], [5]]


def test_text_whose_vector_is_not_finite_runs_once_more_alone(trial):
    trial.run(*rows(1, NAN, 3))

    assert trial.vectors() == {0: 1, 2: 3}
    assert isinstance(trial.errors()[1], ForwardError)
    assert trial.model.batches == [[5, 5, 5], [5]]


def test_neighbours_of_a_vector_that_is_not_finite_are_told_at_once(trial):
    trial.run(*rows(1, NAN))

    assert [item.index for item in trial.outcomes[0].items] == [0]


def test_lack_of_memory_halves_and_is_told(trial):
    trial.model.most_tokens = 10

    trial.run(*rows(1, 2, 3, 4))

    assert trial.vectors() == {0: 1, 1: 2, 2: 3, 3: 4}
    assert (trial.shrunk, trial.rooms) == ([4], 0)


def test_single_text_gets_one_more_try_with_room():
    trial = Trial(on_room=lambda: setattr(trial.model, "most_tokens", 5))
    trial.model.most_tokens = 4

    trial.run(*rows(1))

    assert trial.vectors() == {0: 1}
    assert trial.rooms == 1


def test_single_text_that_fits_nowhere_fails_alone(trial):
    trial.model.most_tokens = 5

    trial.run(make_row(5, value=1), make_row(6, value=2))

    assert trial.vectors() == {0: 1}
    assert isinstance(trial.errors()[1], OverloadedError)
    assert (trial.rooms, trial.model.batches.count([6])) == (1, 2)


def test_too_few_vectors_fail_the_batch(trial):
    embed = trial.model.embed
    trial.model.embed = lambda rows: embed(rows)[:-1]

    trial.run(*rows(1, 2))

    (outcome,) = trial.outcomes
    assert outcome.is_mismatch
    assert trial.errors().keys() == {0, 1}
    assert len(trial.model.batches) == 1


def test_lost_device_is_not_tried_again(trial):
    trial.model.failure = FakeDeviceLostError("gone")

    with pytest.raises(DeviceLostError, match="gone"):
        trial.run(*rows(1, 2))

    assert len(trial.model.batches) == 1
    assert trial.outcomes == []


def test_texts_of_those_who_left_are_not_run(trial):
    ticket = Ticket(resident=None, tenant="t", weight=1.0, rows=rows(1))
    ticket.done.set()

    trial.attempts.run(trial.model, [Item(ticket, 0)])

    assert trial.model.batches == []
