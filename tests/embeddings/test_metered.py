"""One request's way through metering."""

import uuid
from datetime import UTC, datetime

import pytest

from accounts.authentication import caller_of
from accounts.errors import QuotaExceededError
from accounts.models import InFlight, Quota, QuotaAccount, UsageEvent
from accounts.pricing import FREE
from embeddings import errors
from embeddings.metered import Metered


@pytest.fixture
def metered(house):
    return Metered(
        event_id=uuid.uuid4(),
        caller=caller_of(house.key),
        occurred_at=datetime.now(UTC),
        started_ns=0,
        model="all-MiniLM-L6-v2",
        wire="test",
        texts=2,
        tokens=7,
        truncated=1,
        price=FREE,
    )


def used():
    found = QuotaAccount.objects.filter(kind="tokens-month")
    held = sum(InFlight.objects.values_list("amount", flat=True))
    return max(found.values_list("used", flat=True), default=0), held > 0


def test_the_work_is_done_between_admission_and_settlement(metered):
    with metered.admitted():
        assert used() == (7, True)
        assert not UsageEvent.objects.exists()

    event = UsageEvent.objects.get()
    assert (event.status, event.texts, event.tokens, event.truncated) == (200, 2, 7, 1)
    assert used() == (7, False)


def test_what_is_refused_is_not_worked_on(metered, house):
    Quota.objects.create(tenant=house.acme, kind="tokens-month", amount=6)

    with pytest.raises(QuotaExceededError) as refusal, metered.admitted():
        pytest.fail("it was let in")

    assert refusal.value.standings[0].remaining == 6
    assert not UsageEvent.objects.exists()


@pytest.mark.parametrize(
    ("error", "status"), [(errors.OverloadedError(), 503), (KeyError("x"), 500)]
)
def test_a_failure_bills_nothing(metered, house, error, status):
    Quota.objects.create(tenant=house.acme, kind="tokens-month", amount=60)

    with pytest.raises(type(error)), metered.admitted():
        raise error

    event = UsageEvent.objects.get()
    assert (event.status, event.tokens, event.truncated) == (status, 0, 0)
    assert used() == (0, False)
    assert metered.standings[0].remaining == 60
    assert getattr(error, "standings", metered.standings) == metered.standings


def test_what_was_used_is_billed_where_it_is_less(metered):
    with metered.admitted():
        assert used() == (7, True)
        metered.use(3, is_estimated=False)

    event = UsageEvent.objects.get()
    assert (event.tokens, event.is_estimated, metered.billed_tokens) == (3, False, 3)
    assert used() == (3, False)


def test_what_is_beyond_the_bound_is_not_billed_but_told(metered, caplog):
    with metered.admitted():
        metered.use(9, is_estimated=True)

    event = UsageEvent.objects.get()
    assert (event.tokens, event.is_estimated, metered.billed_tokens) == (7, True, 7)
    assert used() == (7, False)
    assert "2 tokens beyond the bound" in caplog.text


def test_a_worker_that_is_killed_leaves_nothing_held(metered):
    with pytest.raises(SystemExit), metered.admitted():
        raise SystemExit

    assert used() == (0, False)
    assert not UsageEvent.objects.exists()
