"""Requests, and batches of their texts."""

import pytest

from embeddings.engine.errors import DeadlineError, ForwardError
from embeddings.engine.tickets import Batch, Item, Ticket
from tests.embeddings.engine.making import make_row


def make_ticket(*lengths):
    rows = [make_row(length) for length in lengths]
    return Ticket(resident=None, tenant="t", weight=1.0, rows=rows)


def make_batch(*lengths):
    batch = Batch(None)
    ticket = make_ticket(*lengths)
    for index in range(len(lengths)):
        batch.add(Item(ticket, index))
    return batch


def test_longest_rows_come_first_and_equal_ones_in_order():
    ticket = make_ticket(3, 9, 3, 6)

    assert ticket.order == [1, 3, 0, 2]
    assert (ticket.queued_tokens, ticket.left) == (21, 4)


def test_last_vector_ends_the_wait():
    ticket = make_ticket(1, 1)

    ticket.put(1, "b")
    assert not ticket.done.is_set()
    ticket.put(0, "a")

    assert ticket.done.is_set()
    assert ticket.vectors == ["a", "b"]


def test_first_error_stays():
    ticket = make_ticket(1)

    ticket.fail(ForwardError("first"))
    ticket.fail(DeadlineError("second"))

    assert str(ticket.error) == "first"


@pytest.mark.parametrize(
    ("length", "place"), [(100, 0), (9, 0), (8, 1), (5, 2), (3, 2), (2, 3)]
)
def test_rows_no_longer_than_this_begin_there(length, place):
    assert make_ticket(3, 9, 6).first_below(length) == place


@pytest.mark.parametrize(("length", "distance"), [(100, 91), (8, 1), (5, 1), (1, 2)])
def test_distance_is_that_of_the_nearest_row(length, distance):
    assert make_ticket(3, 9, 6).distance(length) == distance


@pytest.mark.parametrize(
    ("lengths", "length", "fits"),
    [
        ([], 5000, True),
        ([100], 100, True),
        ([100], 68, True),
        ([100], 67, False),
        ([480, 480], 420, True),
        ([480, 480], 320, False),
        ([500, 500], 500, True),
        ([500, 500], 501, False),
    ],
    ids=[
        *("alone", "alike", "little padding", "more"),
        *("a tenth", "over a tenth", "budget", "over budget"),
    ],
)
def test_texts_join_where_padding_and_budget_allow(lengths, length, fits):
    assert make_batch(*lengths).fits(length, budget=1500) is fits


def test_batch_knows_its_tokens_and_padding():
    batch = make_batch(5, 9, 7)

    assert (batch.tokens, batch.longest, batch.padded_tokens) == (21, 9, 27)
