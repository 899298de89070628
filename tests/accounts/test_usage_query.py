"""Sums are the ledger's, rolled up or not, and nobody else's."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts import partitions
from accounts.latency import BUCKETS
from accounts.metering import ledger
from accounts.models import EventKind, UsageDelta, UsageSoFar
from accounts.rollups import roll_up
from accounts.usage_query import UsageSlice, sums_of, usage_sums
from tests.factories import make_api_key, make_usage

NOON = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
DAY = timedelta(days=1)
FIRST, LAST = NOON.replace(minute=0), NOON.replace(minute=0) + timedelta(hours=1)


@pytest.fixture
def api_key(db):
    partitions.ensure_month(NOON)
    return make_api_key().api_key


def record(api_key, **fields):
    facts = {"model": "a", "texts": 2, "truncated": 1, "list_nanos": 70}
    ledger.record([make_usage(api_key, **{"occurred_at": NOON, **facts, **fields})])


def of(api_key, **fields):
    whole = {"start": NOON.replace(hour=0, minute=0) - DAY, "end": LAST + DAY}
    return UsageSlice(tenant_id=api_key.tenant_id, **{**whole, **fields})


def tokens(api_key, *, by=(), **fields):
    found = usage_sums(of(api_key, **fields), by=by)
    return {one.group: one.tokens for one in found}


def test_everything_is_summed(api_key):
    record(api_key)
    record(api_key, status=503, texts=0, tokens=0, truncated=0, list_nanos=0)
    roll_up()
    record(api_key, kind=EventKind.REPLAY, tokens=0, list_nanos=0, latency_us=9000)

    (found,) = usage_sums(of(api_key))

    assert (found.requests, found.failures, found.replays) == (3, 1, 1)
    assert (found.served, found.refusals) == (2, 0)
    assert (found.texts, found.tokens, found.truncated) == (4, 7, 2)
    assert found.list_nanos == 70
    assert 0.9 <= found.latency_ms(0.5) <= 0.9 * 2**0.5
    assert 9 <= found.latency_ms(0.95) <= 9 * 2**0.5


def test_refusals_alone_have_no_latency(api_key):
    record(api_key)
    UsageDelta.objects.update(requests=0, refusals=3, latency=[0] * BUCKETS)

    (found,) = usage_sums(of(api_key))

    assert (found.refusals, found.latency_ms(0.5)) == (3, None)


def test_nothing_used_is_no_sum(api_key):
    assert usage_sums(of(api_key)) == usage_sums(of(api_key), by=("model",)) == []


def test_others_usage_is_not_summed(api_key):
    record(make_api_key().api_key)

    assert usage_sums(of(api_key)) == []


@pytest.mark.parametrize("rolled", [False, True], ids=["outbox", "rolled up"])
def test_groups_come_in_their_order(api_key, rolled):
    second = make_api_key(api_key.tenant).api_key
    record(api_key, model="b", tokens=1)
    record(api_key, model="b", tokens=2, occurred_at=NOON + timedelta(hours=1))
    record(second, model="a", tokens=4)
    record(api_key, model="b", tokens=8, occurred_at=NOON - DAY)
    if rolled:
        roll_up()
    midnight = NOON.replace(hour=0, minute=0)

    assert tokens(api_key, by=("hour",)) == {
        (FIRST - DAY,): 8,
        (FIRST,): 5,
        (LAST,): 2,
    }
    assert list(tokens(api_key, by=("day", "model")).items()) == [
        ((midnight - DAY, "b"), 8),
        ((midnight, "a"), 4),
        ((midnight, "b"), 3),
    ]
    assert tokens(api_key, by=("api_key",)) == {(api_key.pk,): 11, (second.pk,): 4}


def test_any_rows_are_summed_the_last_first(api_key):
    second = make_api_key().api_key
    record(api_key, tokens=1)
    record(second, tokens=2, occurred_at=NOON + timedelta(hours=1))
    rows, by = UsageSoFar.objects.all(), ("-hour", "tenant")

    found = sums_of(rows, by=by)

    assert [one.group for one in found] == [
        (LAST, second.tenant.slug),
        (FIRST, api_key.tenant.slug),
    ]
    assert sums_of(rows, by=by, after=found[0].group) == found[1:]


def test_slices_are_cut_out(api_key):
    second = make_api_key(api_key.tenant).api_key
    record(api_key, tokens=1)
    record(api_key, model="b", tokens=2)
    record(second, tokens=4)
    record(api_key, tokens=8, occurred_at=NOON + timedelta(hours=1))

    assert tokens(api_key, models=("b",)) == {(): 2}
    assert tokens(api_key, models=("b", "c", "a")) == {(): 15}
    assert tokens(api_key, api_key_ids=(second.pk,)) == {(): 4}
    assert tokens(api_key, end=LAST) == {(): 7}
    assert tokens(api_key, start=LAST) == {(): 8}


def test_pages_join_to_the_whole(api_key):
    for model in "abc":
        for hours in range(3):
            at = NOON + timedelta(hours=hours)
            record(api_key, model=model, occurred_at=at, tokens=hours + 1)
    by = ("model", "hour")

    pages, after = [], None
    while page := usage_sums(of(api_key), by=by, after=after, limit=4):
        pages.append(page)
        after = page[-1].group

    assert [len(page) for page in pages] == [4, 4, 1]
    joined = [one for page in pages for one in page]
    assert joined == usage_sums(of(api_key), by=by)
    assert sum(one.tokens for one in joined) == 18
