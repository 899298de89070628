"""What is cleared away, and what stays."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import tasks
from accounts.metering import books, incarnations
from accounts.models import IdempotencyKey, Incarnation, InFlight, QuotaAccount
from tests.factories import make_tenant

pytestmark = pytest.mark.django_db


def kinds():
    return set(QuotaAccount.objects.values_list("kind", flat=True))


@pytest.mark.parametrize(
    ("age", "gone"),
    [
        (timedelta(minutes=30), set()),
        (timedelta(hours=3), {"rpm", "tpm"}),
        (timedelta(days=70), {"rpm", "tpm", "rpd", "tpd"}),
    ],
    ids=["minutes", "hours", "days"],
)
def test_accounts_of_short_periods_go_after_a_while(age, gone):
    books.make_accounts([make_tenant().pk], timezone.now() - age)
    before = kinds()

    tasks.clear_away()

    assert before - kinds() == gone


@pytest.mark.parametrize("amount", [0, 5])
def test_what_is_still_held_stays(amount):
    books.make_accounts([make_tenant().pk], timezone.now() - timedelta(hours=3))
    account = QuotaAccount.objects.filter(kind="tpm").first()
    InFlight.objects.create(
        incarnation_id=incarnations.begin(), account=account, amount=amount
    )

    tasks.clear_away()

    assert QuotaAccount.objects.filter(pk=account.pk).exists() == bool(amount)


def test_lives_that_ended_go_after_a_week():
    for days in (6, 8):
        Incarnation.objects.create(
            id=uuid.uuid4(),
            host="h",
            pid=days,
            started_at="2026-01-01T00:00Z",
            seen_at="2026-01-01T00:00Z",
            ended_at=timezone.now() - timedelta(days=days),
        )
    incarnations.begin()

    tasks.clear_away()

    assert not Incarnation.objects.filter(pid=8).exists()
    assert Incarnation.objects.count() == 2


def test_idempotency_keys_go_when_they_expire():
    tenant = make_tenant()
    for number, end in enumerate(["2026-01-01T00:00Z", "2099-01-01T00:00Z"]):
        IdempotencyKey.objects.create(
            tenant=tenant, digest=bytes([number]), fingerprint=b"", expires_at=end
        )

    tasks.clear_away()

    assert bytes(IdempotencyKey.objects.get().digest) == bytes([1])
