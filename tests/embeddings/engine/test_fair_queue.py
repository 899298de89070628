"""Which texts come next, without threads."""

import pytest

from embeddings.engine.errors import DeadlineError, ForwardError
from embeddings.engine.fair_queue import FairQueue, Ticket
from embeddings.engine.resident import Resident
from tests.embeddings.engine.making import make_row, make_spec


@pytest.fixture
def model(tiny):
    def make(name="a"):
        spec = make_spec(tiny("minilm"), name=name)
        return Resident(spec=spec, size_bytes=1, keep_alive_s=1, asked_at=0)

    return make


def make_ticket(model, *lengths, tenant="t", weight=1.0):
    rows = [make_row(length) for length in lengths]
    return Ticket(resident=model, tenant=tenant, weight=weight, rows=rows)


def lengths(batch):
    return [len(item.row.ids) for item in batch.items]


def queue_of(*tickets):
    queue = FairQueue()
    for ticket in tickets:
        queue.add(ticket)
    return queue


def test_empty_queue_has_no_batch():
    assert FairQueue().take(budget=100) is None


def test_batch_keeps_to_the_padded_budget(model):
    queue = queue_of(make_ticket(model(), *[10] * 25))

    sizes = [len(queue.take(budget=100).items) for _ in range(3)]

    assert sizes == [10, 10, 5]
    assert queue.take(budget=100) is None


def test_text_larger_than_the_budget_runs_alone(model):
    queue = queue_of(make_ticket(model(), 10, 500))

    assert lengths(queue.take(budget=100)) == [500]
    assert lengths(queue.take(budget=100)) == [10]


def test_similar_lengths_come_together(model):
    queue = queue_of(make_ticket(model(), 40, 400, 42, 390, 41, 380))

    assert lengths(queue.take(budget=10_000)) == [400, 390, 380]
    assert lengths(queue.take(budget=10_000)) == [42, 41, 40]


def test_short_texts_come_together_whatever_their_length(model):
    queue = queue_of(make_ticket(model(), 1, 32, 2, 16))

    assert lengths(queue.take(budget=1000)) == [32, 16, 2, 1]


def test_items_know_their_place(model):
    ticket = make_ticket(model(), 3, 9, 6)

    batch = queue_of(ticket).take(budget=1000)

    assert [item.index for item in batch.items] == [1, 2, 0]


def test_requests_of_all_tenants_share_a_batch(model):
    shared = model()
    queue = queue_of(*(make_ticket(shared, 10, tenant=name) for name in "abc"))

    assert len(queue.take(budget=1000).items) == 3


def test_models_do_not_share_a_batch(model):
    queue = queue_of(make_ticket(model("a"), 10), make_ticket(model("b"), 10))

    batches = [queue.take(budget=1000) for _ in range(2)]

    assert [len(batch.items) for batch in batches] == [1, 1]
    assert batches[0].resident is not batches[1].resident


def test_tenants_are_served_by_weight(model):
    shared = model()
    queue = queue_of(
        make_ticket(shared, *[50] * 400, tenant="gold", weight=3.0),
        make_ticket(shared, *[50] * 400, tenant="iron", weight=1.0),
    )

    heads = [queue.take(budget=100).items[0].ticket.tenant for _ in range(100)]

    assert 72 <= heads.count("gold") <= 78


def test_newcomer_waits_for_one_batch_at_most(model):
    shared = model()
    queue = queue_of(make_ticket(shared, *[50] * 1000, tenant="flood"))
    for _ in range(100):
        queue.take(budget=100)
    queue.add(make_ticket(shared, 50, tenant="small"))

    soon = [queue.take(budget=100) for _ in range(2)]

    tenants = {item.ticket.tenant for batch in soon for item in batch.items}
    assert "small" in tenants


def test_idle_time_earns_no_credit(model):
    shared = model()
    queue = queue_of(make_ticket(shared, 50, tenant="late"))
    queue.take(budget=100)
    queue.add(make_ticket(shared, *[50] * 100, tenant="busy"))
    for _ in range(20):
        queue.take(budget=100)
    queue.add(make_ticket(shared, *[50] * 100, tenant="late"))

    heads = [queue.take(budget=100).items[0].ticket.tenant for _ in range(20)]

    assert 9 <= heads.count("late") <= 11


def test_requests_of_one_tenant_take_turns(model):
    shared = model()
    long, short = make_ticket(shared, *[50] * 100), make_ticket(shared, 200)
    queue = queue_of(long, short)

    batches = [queue.take(budget=100) for _ in range(2)]

    assert batches[1].items[0].ticket is short


def test_requests_that_do_not_fit_are_not_overtaken_for_ever(model):
    shared = model()
    others = [make_ticket(shared, *[50] * 100) for _ in range(3)]
    queue = queue_of(others[0], make_ticket(shared, 400), *others[1:])

    batches = [queue.take(budget=100) for _ in range(2)]

    assert 400 in [length for batch in batches for length in lengths(batch)]


def test_tokens_are_counted_as_they_come_and_go(model):
    shared = model()
    first, second = make_ticket(shared, 10, 10), make_ticket(shared, 400)
    queue = queue_of(first, second)
    counts = [queue.tokens]

    queue.take(budget=20)
    counts.append(queue.tokens)
    queue.remove(second)
    counts.append(queue.tokens)

    assert counts == [420, 400, 0]


def test_what_was_removed_does_not_run(model):
    ticket = make_ticket(model(), 10)
    queue = queue_of(ticket)

    queue.remove(ticket)
    queue.remove(ticket)

    assert queue.take(budget=100) is None
    assert list(queue) == []


def test_last_vector_ends_the_wait(model):
    ticket = make_ticket(model(), 1, 1)

    ticket.put(1, "b")
    assert not ticket.done.is_set()
    ticket.put(0, "a")

    assert ticket.done.is_set()
    assert ticket.vectors == ["a", "b"]


def test_first_error_stays(model):
    ticket = make_ticket(model(), 1)

    ticket.fail(ForwardError("first"))
    ticket.fail(DeadlineError("second"))

    assert str(ticket.error) == "first"
