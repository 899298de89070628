"""One request's wait."""

import threading

import pytest

from accounts.metering.ticket import Ticket


@pytest.fixture
def ticket():
    return Ticket[str]()


def test_an_answer_lets_its_waiter_go(ticket):
    answers = []
    waiter = threading.Thread(target=lambda: answers.append(ticket.wait(5.0)))
    waiter.start()

    assert ticket.answer("yes")

    waiter.join(1.0)
    assert answers == [True]
    assert ticket.result() == "yes"


def test_an_error_reaches_the_waiter(ticket):
    assert ticket.fail(ValueError("bad"))

    assert ticket.wait(0)
    with pytest.raises(ValueError, match="bad"):
        ticket.result()


def test_who_gives_up_is_not_answered(ticket):
    assert not ticket.wait(0)

    assert ticket.is_abandoned
    assert not ticket.answer("late")
    assert not ticket.fail(ValueError("late"))


def test_the_first_outcome_stands(ticket):
    ticket.answer("yes")

    assert ticket.fail(ValueError("late"))

    assert ticket.result() == "yes"
    assert not ticket.abandon()
