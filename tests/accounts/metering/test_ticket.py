"""One request's wait."""

import threading

import pytest

from accounts.metering.ticket import Ticket


@pytest.fixture
def ticket():
    return Ticket(usage=None)


def test_a_resolved_ticket_lets_its_waiter_go(ticket):
    waiter = threading.Thread(target=ticket.wait, args=(5.0,))
    waiter.start()

    assert ticket.resolve()

    waiter.join(1.0)
    assert not waiter.is_alive()


def test_an_error_reaches_the_waiter(ticket):
    ticket.resolve(ValueError("bad"))

    with pytest.raises(ValueError, match="bad"):
        ticket.wait(0)


def test_who_gives_up_is_not_resolved(ticket):
    with pytest.raises(TimeoutError):
        ticket.wait(0)

    assert ticket.is_abandoned
    assert not ticket.resolve()


def test_the_first_outcome_stands(ticket):
    ticket.resolve()

    assert ticket.resolve(ValueError("late"))

    ticket.wait(0)
