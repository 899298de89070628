"""A month reconciles to the token, or says where it does not."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction

from accounts import partitions
from accounts.metering import Ask, ledger
from accounts.models import QuotaAccount, SealedMonth, UsageDelta, UsageHour
from accounts.quotas import Amounts
from accounts.reconciliation import UnreconciledError, reconcile, seal
from accounts.rollups import roll_up
from tests.factories import make_api_key, make_usage
from tests.inline_meter import InlineMeter

pytestmark = pytest.mark.django_db(transaction=True)

MONTH = datetime(2026, 10, 1, tzinfo=UTC)
NOON = datetime(2026, 10, 21, 12, tzinfo=UTC)


@pytest.fixture
def api_key():
    partitions.ensure_month(MONTH)
    return make_api_key().api_key


def record(api_key, **fields):
    usage = make_usage(api_key, **{"occurred_at": NOON, **fields})
    ledger.record([usage])
    return usage


def test_month_is_exact_before_and_after_rolling_up(api_key):
    record(api_key)
    roll_up()
    record(api_key, tokens=5)

    found = reconcile(NOON)

    assert found.is_exact
    assert (found.events, found.tokens) == (2, 12)


def test_correction_reconciles_too(api_key):
    ledger.correct([record(api_key)])

    found = reconcile(MONTH)

    assert found.is_exact
    assert (found.events, found.tokens) == (2, 0)


def serve(api_key, *, at=NOON, tokens=7):
    meter = InlineMeter()
    ask = Ask(
        tenant_id=api_key.tenant_id,
        api_key_id=api_key.pk,
        model="all-minilm",
        amounts=Amounts(requests=1, tokens=tokens, concurrent=1),
        occurred_at=at,
    )
    return meter, meter.admit(ask)


def test_accounts_agree_with_the_ledger_while_requests_run(api_key):
    record(api_key)
    serve(api_key)

    assert reconcile(MONTH).is_exact


def test_use_beside_the_accounts_is_found(api_key):
    meter, reservation = serve(api_key)
    meter.release(reservation)
    record(api_key, tokens=5)

    found = reconcile(MONTH)

    first = found.first_account_difference
    assert (first.kind, first.used, first.in_ledger) == ("tokens-prepaid", 0, 5)
    assert found.account_differences == 5


@pytest.mark.parametrize(
    "kind", ["rpd", "tokens-month", "tokens-prepaid", "concurrent"]
)
def test_changed_account_is_found(api_key, kind):
    meter, reservation = serve(api_key)
    meter.release(reservation)
    assert reconcile(MONTH).is_exact

    changed = QuotaAccount.objects.filter(kind=kind).order_by("period_start").first()
    QuotaAccount.objects.filter(pk=changed.pk).update(used=3)
    found = reconcile(MONTH)

    assert (found.is_exact, found.account_differences) == (False, 1)
    first = found.first_account_difference
    assert (first.kind, first.used, first.in_ledger) == (kind, 3, 0)


@pytest.mark.parametrize("model", [UsageHour, UsageDelta], ids=["hour", "outbox"])
@pytest.mark.parametrize("column", ["tokens", "requests", "list_nanos"])
def test_changed_sum_is_found(api_key, model, column):
    record(api_key)
    if model is UsageHour:
        roll_up()
    model.objects.update(**{column: 99})

    found = reconcile(MONTH)

    assert not found.is_exact
    first = found.first_difference
    assert (first.hour, first.tenant_id) == (NOON, api_key.tenant_id)
    assert first.in_ledger[column] != first.rolled_up[column] == 99


def test_lost_hour_is_found(api_key):
    record(api_key)
    UsageDelta.objects.all().delete()

    assert reconcile(MONTH).first_difference.rolled_up is None


def test_changed_ledger_is_found(api_key):
    record(api_key)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE accounts_usageevent SET tokens = 8")
        cursor.execute("SET session_replication_role = origin")

    assert reconcile(MONTH).differences == 1


def test_digest_depends_on_every_row(api_key):
    record(api_key)
    one = reconcile(MONTH).digest
    record(api_key, tokens=0, texts=0, status=503)

    assert reconcile(MONTH).digest != one
    assert reconcile(MONTH - timedelta(days=1)).digest not in {one}


@time_machine.travel("2026-11-21T10:00:00Z")
def test_sealed_month_takes_no_more_events(api_key):
    record(api_key)

    sealed = seal(MONTH)

    assert (sealed.events, sealed.tokens) == (1, 7)
    assert sealed.digest == reconcile(MONTH).digest
    with pytest.raises(IntegrityError, match="is sealed"):
        record(api_key)
    assert seal(MONTH) == sealed
    later = record(api_key, occurred_at=datetime(2026, 11, 2, tzinfo=UTC))
    assert later.tokens == 7


@time_machine.travel("2026-11-21T10:00:00Z")
def test_month_that_is_not_exact_is_not_sealed(api_key):
    record(api_key)
    UsageDelta.objects.update(tokens=99)

    with pytest.raises(UnreconciledError, match="2026-10 does not reconcile"):
        seal(MONTH)

    assert not SealedMonth.objects.exists()


@pytest.mark.parametrize("now", ["2026-10-31T23:59:59Z", "2026-11-01T00:59:59Z"])
def test_month_is_not_sealed_before_its_last_requests_are_settled(api_key, now):
    with (
        time_machine.travel(now, tick=False),
        pytest.raises(UnreconciledError, match="2026-10 has not ended"),
    ):
        seal(MONTH)


@time_machine.travel("2026-11-21T10:00:00Z")
def test_changed_sealed_ledger_is_found(api_key):
    record(api_key)
    seal(MONTH)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE accounts_usageevent SET wire = 'other'")
        cursor.execute("SET session_replication_role = origin")

    found = reconcile(MONTH)

    assert not found.differences
    assert not found.is_exact


@time_machine.travel("2026-11-21T10:00:00Z")
def test_dropped_month_keeps_its_hours_and_its_digest(api_key):
    record(api_key)
    sealed = seal(MONTH)
    partitions.drop_old(keep_months=1)
    assert partitions.has_month(MONTH)

    later = datetime(2026, 12, 2, tzinfo=UTC)
    dropped = partitions.drop_old(keep_months=1, now=later)

    assert dropped == [partitions.partition_name(MONTH)]
    assert UsageDelta.objects.get().tokens == 7
    with pytest.raises(UnreconciledError, match=sealed.digest):
        reconcile(MONTH)
    assert partitions.drop_old(keep_months=1, now=later) == []


@time_machine.travel("2026-11-21T10:00:00Z")
def test_month_that_is_not_sealed_is_never_dropped(api_key):
    record(api_key)

    later = datetime(2027, 12, 2, tzinfo=UTC)

    assert partitions.drop_old(keep_months=1, now=later) == []
    assert partitions.drop_old(keep_months=0, now=later) == []
    assert partitions.has_month(MONTH)


def test_sealing_waits_for_nobody_who_writes_to_another_month(api_key):
    other = MONTH.replace(month=12)
    partitions.ensure_month(other)
    with transaction.atomic():
        record(api_key, occurred_at=other)
        with ThreadPoolExecutor(1) as threads:
            sealed = threads.submit(_sealed_in_a_thread)
            assert sealed.result(5).month == MONTH.date()


def _sealed_in_a_thread():
    try:
        with time_machine.travel("2027-02-01T00:00Z"):
            return seal(MONTH)
    finally:
        connection.close()
