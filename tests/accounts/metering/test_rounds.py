"""Rounds of several processes on the same accounts."""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import DataError, OperationalError, connection
from django.db.models import Sum

from accounts.errors import RateLimitedError
from accounts.metering import Meter, books, incarnations
from accounts.metering.entries import Admit, Settle
from accounts.metering.rounds import Rounds
from accounts.metering.script import Script
from accounts.metering.ticket import Ticket
from accounts.models import (
    InFlight,
    Quota,
    QuotaAccount,
    UsageDelta,
    UsageEvent,
)
from accounts.quotas import KINDS
from tests.factories import make_api_key

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def meters():
    """Four writers, as of four processes."""
    meters = [Meter() for _ in range(4)]
    yield meters
    for meter in meters:
        meter.close()


def at_rest():
    """Nothing is held, and every account has used what the ledger says."""
    assert not InFlight.objects.exclude(amount=0).exists()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, used, accounts_quota_used(tenant_id, api_key_id, quantity,"
            " period_start, period_end) FROM accounts_quotaaccount"
        )
        rows = cursor.fetchall()
    assert rows
    assert [row for row in rows if row[1] != row[2]] == []


@pytest.mark.parametrize("sizes", [(1, 1), (1, 40)], ids=["single", "random"])
def test_a_quota_is_used_to_the_last_token_and_never_overshot(
    meters, make_usage, charge, sizes
):
    limit = 1000
    first = make_usage(tokens=0)
    Quota.objects.create(tenant_id=first.tenant_id, kind="tokens-month", amount=limit)
    served = Counter()

    def client(number):
        chance = random.Random(number)
        while True:
            usage = make_usage(tokens=chance.randint(*sizes))
            try:
                charge(meters[number % len(meters)], usage)
            except RateLimitedError:
                return
            served[number] += usage.tokens

    with ThreadPoolExecutor(64) as threads:
        list(threads.map(client, range(64)))

    rest = limit - sum(served.values())
    assert 0 <= rest < sizes[1]
    if rest:
        charge(meters[0], make_usage(tokens=rest))
    with pytest.raises(RateLimitedError):
        charge(meters[1], make_usage(tokens=1))
    assert UsageEvent.objects.aggregate(sum=Sum("tokens"))["sum"] == limit
    at_rest()


def test_failures_use_nothing(meters, make_usage, ask_for):
    usages = [make_usage(tokens=n, status=200 if n % 2 else 500) for n in range(20)]
    for number, usage in enumerate(usages):
        meter = meters[number % len(meters)]
        meter.settle(
            meter.admit(ask_for(usage)), usage if number % 2 else usage.undelivered()
        )

    at_rest()
    assert set(
        QuotaAccount.objects.filter(kind="requests-month").values_list(
            "used", flat=True
        )
    ) == {10, 0}


def test_quotas_may_be_edited_while_requests_run(meters, make_usage, charge):
    keys = [make_api_key().api_key for _ in range(3)]
    is_over = threading.Event()
    served = Counter()
    make_usage()

    def client(number):
        key = keys[number % 3]
        while not is_over.is_set():
            usage = make_usage(tenant_id=key.tenant_id, api_key_id=key.pk, tokens=3)
            try:
                charge(meters[number % 4], usage)
            except RateLimitedError:
                continue
            served[key.pk] += 3

    with ThreadPoolExecutor(12) as threads:
        clients = [threads.submit(client, number) for number in range(12)]
        for amount in range(5, 300, 15):
            for key in keys:
                Quota.objects.update_or_create(
                    tenant_id=key.tenant_id, kind="tpd", defaults={"amount": amount}
                )
                Quota.objects.update_or_create(
                    api_key=key, kind="concurrent", defaults={"amount": 2}
                )
        is_over.set()
        for future in clients:
            future.result(10)

    assert all(0 < tokens <= 290 for tokens in served.values())
    of_tenants = QuotaAccount.objects.filter(kind="tpd", api_key=None)
    assert sorted(n for n in of_tenants.values_list("used", flat=True) if n) == sorted(
        served.values()
    )
    at_rest()


def test_a_new_minute_gets_its_accounts(make_usage, ask_for):
    rounds = Rounds()
    for minute in range(4):
        usage = make_usage(occurred_at=datetime(2026, 11, 21, 9, minute, tzinfo=UTC))
        admitted, settled = Ticket(), Ticket()
        rounds.run([Admit(ask_for(usage), admitted)]).announce()
        rounds.run([Settle(admitted.result(), usage, settled)]).announce()

    rounds.end()
    minutes = QuotaAccount.objects.filter(kind="tpm").order_by("period_start")
    assert list(minutes.values_list("used", flat=True))[:4] == [7, 7, 7, 7]


def test_a_month_that_is_missing_is_made(make_usage, ask_for):
    rounds = Rounds()
    usage = make_usage(occurred_at=datetime(2033, 2, 28, tzinfo=UTC))
    admitted, settled = Ticket(), Ticket()
    rounds.run([Admit(ask_for(usage), admitted)]).announce()
    rounds.run([Settle(admitted.result(), usage, settled)]).announce()

    rounds.end()
    assert UsageEvent.objects.get().occurred_at == usage.occurred_at


def test_an_admission_is_not_waited_for_on_the_disk(make_usage, ask_for, monkeypatch):
    flushed, flush = [], incarnations.flush

    def note(script, incarnation):
        flushed.append(incarnation)
        flush(script, incarnation)

    monkeypatch.setattr(incarnations, "flush", note)
    rounds, usage = Rounds(), make_usage()
    books.make_accounts([usage.tenant_id], usage.occurred_at)
    admitted, settled = Ticket(), Ticket()
    rounds.run([Admit(ask_for(usage), admitted)]).announce()
    rounds.run([Settle(admitted.result(), usage, settled)]).announce()

    rounds.end()
    assert flushed == [admitted.result().incarnation]
    assert settled.result() == ()
    assert len(admitted.result().taken) == len(KINDS) - 1


def test_refusals_are_counted_by_the_hour_and_in_no_ledger(make_usage, ask_for):
    usage = make_usage()
    Quota.objects.create(tenant_id=usage.tenant_id, kind="rpm", amount=0)
    rounds, tickets = Rounds(), [Ticket() for _ in range(3)]
    rounds.run([Admit(ask_for(usage), ticket) for ticket in tickets]).announce()

    rounds.end()
    delta = UsageDelta.objects.get()
    assert (delta.refusals, delta.requests, delta.tokens) == (3, 0, 0)
    assert delta.model == usage.model
    assert not UsageEvent.objects.exists()


class Line:
    """A connection to the server that breaks before or after a script that commits."""

    def __init__(self, monkeypatch):
        self._run = Script.run
        self._lost = None
        self.breaks = ""

        def pass_on(script):
            return self._pass(script)

        monkeypatch.setattr(Script, "run", pass_on)

    def _pass(self, script):
        is_last = any(text == "COMMIT" for text, _ in script._statements)
        if not self.breaks or not is_last:
            return self._run(script)
        when, self.breaks = self.breaks, ""
        if when == "after":
            self._run(script)
        else:
            self._lost = script
        connection.close()
        raise OperationalError("the line broke")

    def deliver(self):
        """Let what was underway when it broke arrive after all."""

        def run():
            try:
                self._run(self._lost)
            except DataError:
                # Its number was left out.
                pass
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as threads:
            threads.submit(run).result(5)


@pytest.fixture
def line(monkeypatch):
    return Line(monkeypatch)


def test_a_settlement_that_arrives_too_late_is_not_charged_twice(
    make_usage, ask_for, line
):
    rounds, usage = Rounds(), make_usage()
    admitted, settled = Ticket(), Ticket()
    rounds.run([Admit(ask_for(usage), admitted)]).announce()
    line.breaks = "before"
    entries = [Settle(admitted.result(), usage, settled)]
    with pytest.raises(OperationalError):
        rounds.run(entries)

    assert rounds.recover() is None
    line.deliver()
    rounds.run(entries).announce()

    rounds.end()
    assert settled.result() == ()
    assert UsageEvent.objects.count() == 1
    at_rest()


def test_an_admission_whose_answer_was_lost_is_known_and_others_keep_what_they_hold(
    make_usage, ask_for, line
):
    rounds, usages = Rounds(), [make_usage(), make_usage(tokens=3)]
    Quota.objects.create(tenant_id=usages[0].tenant_id, kind="concurrent", amount=2)
    tickets = [Ticket(), Ticket()]
    rounds.run([Admit(ask_for(usages[0]), tickets[0])]).announce()
    line.breaks = "after"
    with pytest.raises(OperationalError):
        rounds.run([Admit(ask_for(usages[1]), tickets[1])])

    rounds.recover().announce()

    first, second = (ticket.result() for ticket in tickets)
    assert second.incarnation == first.incarnation
    assert sorted(amount for *_, amount in second.taken) == [1] * 4 + [3] * 4
    third = Ticket()
    rounds.run([Admit(ask_for(make_usage()), third)]).announce()
    with pytest.raises(RateLimitedError):
        third.result()
    for ticket, usage in zip(tickets, usages, strict=True):
        rounds.run([Settle(ticket.result(), usage)])
    rounds.end()
    at_rest()
