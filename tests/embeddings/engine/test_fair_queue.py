"""Which texts come next, without threads."""

import numpy as np
import pytest

from embeddings.engine.fair_queue import PROMOTE_AFTER_S, SHARED_FOR_S, FairQueue
from embeddings.engine.resident import Resident
from embeddings.engine.tickets import Ticket
from tests.embeddings.engine.making import make_row, make_spec


@pytest.fixture
def model(tiny):
    def make(name="a"):
        spec = make_spec(tiny("minilm"), name=name)
        return Resident(spec=spec, size_bytes=1, keep_alive_s=1, asked_at=0)

    return make


def make_ticket(model, *lengths, tenant="t", weight=1.0, **facts):
    rows = [make_row(length) for length in lengths]
    return Ticket(resident=model, tenant=tenant, weight=weight, rows=rows, **facts)


def tenants(queue, batches, *, budget=100, now=0.0):
    """Whose texts begin the next batches."""
    taken = (queue.take(budget=budget, now=now) for _ in range(batches))
    return [batch.items[0].ticket.tenant for batch in taken]


def lengths(batch):
    return [len(item.row.ids) for item in batch.items]


def queue_of(*tickets):
    queue = FairQueue()
    for ticket in tickets:
        queue.add(ticket)
    return queue


def drain(queue, *, budget):
    """Every batch there is."""
    batches = []
    while queue.texts:
        batches.append(queue.take(budget=budget))
    return batches


def test_batch_keeps_to_the_padded_budget(model):
    queue = queue_of(make_ticket(model(), *[10] * 25))

    sizes = [len(batch.items) for batch in drain(queue, budget=100)]

    assert sizes == [10, 10, 5]


def test_text_larger_than_the_budget_runs_alone(model):
    queue = queue_of(make_ticket(model(), 10, 500))

    assert lengths(queue.take(budget=100)) == [500]
    assert lengths(queue.take(budget=100)) == [10]


def test_similar_lengths_come_together(model):
    queue = queue_of(make_ticket(model(), 40, 400, 42, 390, 41, 380))

    assert lengths(queue.take(budget=10_000)) == [400, 390, 380]
    assert lengths(queue.take(budget=10_000)) == [42, 41, 40]


def test_short_texts_come_together_whatever_their_length(model):
    queue = queue_of(make_ticket(model(), 1, 12, 2, 8))

    assert lengths(queue.take(budget=1000)) == [12, 8, 2, 1]


def test_other_requests_join_with_the_texts_that_fit_best(model):
    shared = model()
    queue = queue_of(
        make_ticket(shared, 100),
        make_ticket(shared, 400, 50, 98),
        make_ticket(shared, 103),
    )

    assert lengths(queue.take(budget=10_000)) == [100, 98, 103]


def test_mixed_paragraphs_are_hardly_padded(model):
    shared = model()
    random = np.random.default_rng(7)
    requests = [random.lognormal(4.2, 0.8, 64).clip(5, 256) for _ in range(32)]
    queue = queue_of(
        *(
            make_ticket(shared, *map(int, one), tenant=str(number % 4))
            for number, one in enumerate(requests)
        )
    )

    batches = drain(queue, budget=2048)

    tokens = sum(batch.tokens for batch in batches)
    assert tokens > 0.9 * sum(batch.padded_tokens for batch in batches)
    assert sum(len(batch.items) for batch in batches) == 32 * 64


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

    assert (queue.texts, queue.tokens) == (0, 0)
    assert queue._lanes == {}


def test_texts_and_tokens_of_a_tenant_are_counted(model):
    shared = model()
    mine = make_ticket(shared, 10, 20, tenant="mine")
    queue = queue_of(mine, make_ticket(shared, 5, tenant="other"))
    assert (queue.texts, queue.tokens_of("mine"), queue.tokens_of("none")) == (3, 30, 0)

    queue.remove(mine)

    assert (queue.texts, queue.tokens_of("mine")) == (1, 0)


def test_batch_jobs_come_after_others(model):
    shared = model()
    queue = queue_of(
        make_ticket(shared, *[50] * 9, tenant="job", is_batch=True),
        make_ticket(shared, *[60] * 2, tenant="asks"),
    )

    assert tenants(queue, 3, budget=60) == ["asks", "asks", "job"]


def test_one_tenants_jobs_wait_for_its_own_requests(model):
    shared = model()
    job = make_ticket(shared, 50, is_batch=True)
    asked = make_ticket(shared, 50)
    queue = queue_of(job, asked)

    assert queue.take(budget=50).items[0].ticket is asked


def test_old_batch_jobs_are_served_like_others(model):
    shared = model()
    queue = queue_of(
        make_ticket(shared, *[50] * 90, tenant="job", is_batch=True),
        make_ticket(shared, *[60] * 90, tenant="asks"),
    )

    early = tenants(queue, 10, budget=60, now=PROMOTE_AFTER_S - 1)
    late = tenants(queue, 20, budget=60, now=PROMOTE_AFTER_S)

    assert early == ["asks"] * 10
    assert 9 <= late.count("job") <= 13


def test_waiting_for_others_earns_no_credit(model):
    shared = model()
    queue = queue_of(
        make_ticket(shared, *[50] * 200, tenant="job", is_batch=True),
        make_ticket(shared, *[60] * 50, tenant="asks"),
    )
    tenants(queue, 50, budget=60)
    tenants(queue, 1, budget=60)
    queue.add(make_ticket(shared, *[60] * 99, tenant="asks"))

    late = tenants(queue, 20, budget=60, now=PROMOTE_AFTER_S)

    assert 8 <= late.count("asks") <= 12


def test_request_that_passes_by_is_charged(model):
    shared = model()
    queue = FairQueue()
    batch = queue.pass_by(make_ticket(shared, 3, 5, tenant="first"))
    queue.add(make_ticket(shared, 50, tenant="first"))
    queue.add(make_ticket(shared, 50, tenant="second"))

    assert lengths(batch) == [5, 3]
    assert tenants(queue, 2, budget=50) == ["second", "first"]


def test_passing_by_for_long_is_no_debt(model):
    shared = model()
    queue = FairQueue()
    for _ in range(1000):
        queue.pass_by(make_ticket(shared, 50, tenant="early"))
    queue.add(make_ticket(shared, *[50] * 50, tenant="late"))
    queue.add(make_ticket(shared, *[50] * 50, tenant="early"))

    assert tenants(queue, 10, budget=50).count("early") >= 4


@pytest.mark.parametrize(
    ("askers", "is_shared"),
    [
        ([("a", 0.0), ("b", 1.0)], True),
        ([("a", 0.0), ("a", 1.0)], False),
        ([("a", -20.0), ("b", 1.0)], False),
        ([("a", 0.0), ("", 0.5), ("a", 1.0)], False),
    ],
    ids=["two", "one", "long ago", "the platform's own"],
)
def test_server_is_shared_where_several_tenants_asked_lately(model, askers, is_shared):
    held = model()

    queue = queue_of(
        *(make_ticket(held, 5, tenant=name, asked_at=at) for name, at in askers)
    )

    assert queue.is_shared(2.0) is is_shared


def test_who_is_passed_by_shares_the_server_too(model):
    queue, held = FairQueue(), model()

    queue.pass_by(make_ticket(held, 5, tenant="a"))
    queue.pass_by(make_ticket(held, 5, tenant="b", asked_at=1.0))

    assert queue.is_shared(SHARED_FOR_S - 0.1)
    assert not queue.is_shared(SHARED_FOR_S)
