"""reconcile."""

from datetime import UTC, datetime

import pytest
import time_machine

from accounts import partitions
from accounts.metering import ledger
from accounts.models import SealedMonth, UsageDelta
from tests.factories import make_api_key, make_usage

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 10, 21, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def event():
    partitions.ensure_month(NOON)
    ledger.record([make_usage(make_api_key().api_key, occurred_at=NOON)])


def test_exact_month_is_told_with_its_digest(run):
    ended = run("reconcile", "--month", "2026-10", "--json")

    assert ended.code == 0
    assert ended.value["is_exact"]
    assert not ended.value["is_sealed"]
    assert (ended.value["events"], ended.value["tokens"]) == (1, 7)
    assert len(ended.value["digest"]) == 64


def test_difference_is_told_and_fails(run):
    UsageDelta.objects.update(tokens=8)

    ended = run("reconcile", "--month", "2026-10")

    assert ended.code == 1
    assert "1 sums differ, the first one at 2026-10-21T12:00Z" in ended.out
    assert ended.err == "2026-10 does not reconcile.\n"


def test_difference_is_never_sealed(run):
    UsageDelta.objects.update(tokens=8)

    assert run("reconcile", "--month", "2026-10", "--seal").code == 1
    assert not SealedMonth.objects.exists()


@time_machine.travel("2026-11-21T10:00:00Z")
def test_exact_month_is_sealed_once_and_for_all(run):
    first = run("reconcile", "--month", "2026-10", "--seal", "--json")
    again = run("reconcile", "--month", "2026-10", "--seal", "--json")

    assert first.value["is_sealed"]
    assert again.value["digest"] == SealedMonth.objects.get().digest


@time_machine.travel("2026-10-21T10:00:00Z")
def test_month_that_runs_is_not_sealed(run):
    ended = run("reconcile", "--seal")

    assert (ended.code, ended.err) == (1, "2026-10 has not ended, or only just.\n")


@time_machine.travel("2026-11-21T10:00:00Z")
def test_dropped_month_is_one_sentence(run):
    run("reconcile", "--month", "2026-10", "--seal")
    partitions.drop_old(keep_months=0 + 1, now=datetime(2027, 1, 1, tzinfo=UTC))

    ended = run("reconcile", "--month", "2026-10")

    assert ended.code == 1
    assert ended.err.startswith("the ledger of 2026-10 was dropped")


def test_what_is_no_month_is_one_sentence(run):
    assert run("reconcile", "--month", "2026").err.count("\n") == 1
