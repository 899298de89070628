"""Idempotency keys among processes."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db.models import Sum

from accounts.errors import (
    IdempotencyMismatchError,
    IdempotencyRunningError,
    UnavailableError,
)
from accounts.metering import Claim, Meter, incarnations
from accounts.models import EventKind, IdempotencyKey, Incarnation, UsageEvent

pytestmark = pytest.mark.django_db(transaction=True)

CLAIM = Claim(digest=b"d" * 32, fingerprint=b"f" * 32)


@pytest.fixture
def ask(ask_for, make_usage):
    """Ask under the key; each time it is another attempt at the same request."""

    def ask(**changed):
        claim = dataclasses.replace(CLAIM, **changed)
        return dataclasses.replace(ask_for(make_usage()), claim=claim)

    return ask


@pytest.fixture
def finish(make_usage):
    """Settle a reservation as the product does."""

    def finish(meter, reservation, *, status=200):
        kind = EventKind.REPLAY if reservation.is_replay else EventKind.USAGE
        tokens = 7 if status == 200 and not reservation.is_replay else 0
        meter.settle(reservation, make_usage(kind=kind, status=status, tokens=tokens))

    return finish


@pytest.fixture
def other():
    """The meter of another process."""
    meter = Meter()
    yield meter
    meter.close()


def test_who_repeats_waits_for_the_first_and_then_pays_nothing(
    meter, other, ask, finish, billed
):
    first = meter.admit(ask())
    with pytest.raises(IdempotencyRunningError) as running:
        other.admit(ask())
    finish(meter, first)

    again = other.admit(ask())
    finish(other, again)

    assert running.value.retry_after_s == 1.0
    assert (first.is_replay, again.is_replay) == (False, True)
    assert billed() == 7
    assert UsageEvent.objects.count() == 2


def test_another_request_under_the_key_is_refused(meter, other, ask, finish):
    finish(meter, meter.admit(ask()))

    with pytest.raises(IdempotencyMismatchError):
        other.admit(ask(fingerprint=b"g" * 32))


@pytest.mark.parametrize("end", ["failed", "released"])
def test_what_was_not_billed_frees_the_key(meter, other, ask, finish, wait_until, end):
    first = meter.admit(ask())
    if end == "failed":
        finish(meter, first, status=500)
    else:
        meter.release(first)
    wait_until(lambda: not IdempotencyKey.objects.exists())

    assert not other.admit(ask(fingerprint=b"g" * 32)).is_replay


def test_what_a_killed_process_left_is_free(meter, other, ask, finish, billed):
    lost = meter.admit(ask())
    Incarnation.objects.update(seen_at="2026-01-01T00:00Z")
    incarnations.reap()

    taken_over = other.admit(ask())
    with pytest.raises(UnavailableError):
        finish(meter, lost)
    finish(other, taken_over)

    assert not taken_over.is_replay
    assert billed() == 7


def test_what_a_killed_process_had_billed_is_not_billed_again(
    meter, other, ask, finish, billed
):
    finish(meter, meter.admit(ask()))
    Incarnation.objects.update(seen_at="2026-01-01T00:00Z")
    incarnations.reap()

    finish(other, other.admit(ask()))

    assert billed() == 7


def test_a_withheld_answer_is_billed_when_it_is_asked_for_again(
    hasty, other, ask, gate, finish, billed, wait_until
):
    with pytest.raises(UnavailableError):
        finish(hasty, hasty.admit(ask()))
    gate.opened.set()
    wait_until(lambda: not IdempotencyKey.objects.exists())

    again = other.admit(ask())
    finish(other, again)

    assert not again.is_replay
    assert billed() == 7


def test_of_many_at_once_one_is_billed(meter, other, ask, finish):
    asks = [ask() for _ in range(40)]

    def serve(number):
        which = (meter, other)[number % 2]
        while True:
            try:
                reservation = which.admit(asks[number])
            except IdempotencyRunningError:
                continue
            finish(which, reservation)
            return reservation.is_replay

    with ThreadPoolExecutor(8) as threads:
        replays = list(threads.map(serve, range(len(asks))))

    assert replays.count(False) == 1
    assert UsageEvent.objects.aggregate(sum=Sum("tokens"))["sum"] == 7
