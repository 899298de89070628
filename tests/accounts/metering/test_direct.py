"""Rounds of one trip: they do what a judgement would have done."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID

import pytest
from django.db import connection

from accounts.errors import QuotaExceededError, RateLimitedError
from accounts.metering import Claim, books, direct
from accounts.metering.entries import Admit, Reservation, Settle, TakeBack
from accounts.metering.rounds import Rounds
from accounts.metering.script import Script
from accounts.metering.ticket import Ticket
from accounts.models import InFlight, Quota, QuotaAccount, UsageEvent
from tests.factories import make_api_key

pytestmark = pytest.mark.django_db(transaction=True)

LIFE, ANOTHER = UUID(int=1), UUID(int=2)

#: A lock that holds a trip up.
HERE = 8_274_119


@pytest.fixture
def rounds():
    rounds = Rounds()
    yield rounds
    rounds.end()


@pytest.fixture
def trips(monkeypatch):
    """How many statements each trip had, in their order."""
    run, sizes = Script.run, []

    def counted(script):
        sizes.append(len(script._statements))
        return run(script)

    monkeypatch.setattr(Script, "run", counted)
    return sizes


def admit(rounds, ask):
    ticket = Ticket()
    rounds.run([Admit(ask, ticket)]).announce()
    return ticket.result()


def settle(rounds, reservation, usage):
    ticket = Ticket()
    rounds.run([Settle(reservation, usage, ticket)]).announce()
    return ticket.result()


def history(rounds, make_usage, ask_for, *, seed):
    """What a tenant with quotas of its own and its key's sees of many requests."""
    api_key, chance, seen = make_api_key().api_key, random.Random(seed), []
    Quota.objects.create(tenant=api_key.tenant, kind="tpd", amount=200)
    Quota.objects.create(tenant=api_key.tenant, kind="money-month", amount=5000)
    Quota.objects.create(api_key=api_key, kind="concurrent", amount=3)
    held = []

    def finish():
        reservation, usage = held.pop(chance.randrange(len(held)))
        failed = chance.random() < 0.3
        seen.append(
            settle(rounds, reservation, usage.undelivered() if failed else usage)
        )

    for _ in range(40):
        usage = make_usage(
            tenant_id=api_key.tenant_id,
            api_key_id=api_key.pk,
            tokens=chance.randint(1, 30),
            list_nanos=chance.randint(0, 400),
        )
        try:
            held.append((admit(rounds, ask_for(usage)), usage))
            seen.append(held[-1][0].standings)
        except RateLimitedError as error:
            seen.append(str(error).partition("; try")[0])
        if held and chance.random() < 0.6:
            finish()
    while held:
        finish()
    accounts = QuotaAccount.objects.filter(tenant=api_key.tenant, used__gt=0)
    order = ("kind", "api_key_id", "period_start")
    books_say = [
        (kind, key is None, start, used)
        for kind, key, start, used in accounts.order_by(*order).values_list(
            *order, "used"
        )
    ]
    return seen, books_say, InFlight.objects.exclude(amount=0).count()


def without_seconds(seen):
    return [
        {(one.kind.code, one.limit, one.remaining, one.is_of_key) for one in found}
        if isinstance(found, tuple)
        else found
        for found in seen
    ]


@pytest.mark.parametrize("seed", range(3))
def test_both_ways_lead_to_the_same_books(
    rounds, make_usage, ask_for, monkeypatch, time_machine, trips, seed
):
    time_machine.move_to("2026-11-21T12:00:10Z", tick=False)
    seen, accounts, held = history(rounds, make_usage, ask_for, seed=seed)
    alone = len(trips)

    with monkeypatch.context() as patch:
        patch.setattr(direct, "trip_of", lambda *_, **__: None)
        judged, judged_accounts, _ = history(rounds, make_usage, ask_for, seed=seed)

    assert without_seconds(seen) == without_seconds(judged)
    assert accounts == judged_accounts
    assert accounts
    assert held == 0
    assert any(isinstance(one, str) for one in seen)
    assert alone < len(trips) - alone


def test_a_request_alone_takes_one_trip_each_way(rounds, make_usage, ask_for, trips):
    usage = make_usage()
    settle(rounds, admit(rounds, ask_for(usage)), usage)
    trips.clear()

    settle(rounds, admit(rounds, ask_for(usage)), make_usage())

    assert len(trips) == 2


def test_who_was_refused_is_judged_until_let_in(rounds, make_usage, ask_for, trips):
    usage = make_usage(tokens=5)
    quota = Quota.objects.create(
        tenant_id=usage.tenant_id, kind="tokens-month", amount=4
    )
    for _ in range(2):
        trips.clear()
        with pytest.raises(QuotaExceededError, match="limit 4, left 4, needed 5"):
            admit(rounds, ask_for(usage))
    assert len(trips) == 2

    quota.amount = 100
    quota.save()
    sizes = []
    for _ in range(2):
        trips.clear()
        admit(rounds, ask_for(make_usage(tokens=5)))
        sizes.append(len(trips))
    assert sizes == [2, 1]


@pytest.mark.parametrize("what", ["beat", "several", "mixed", "correction"])
def test_what_has_to_be_judged(make_usage, ask_for, what):
    usage = make_usage()
    admission = Admit(ask_for(usage), Ticket())
    held = reservation(ask_for(usage), LIFE)
    entries = {
        "beat": [],
        "several": [admission, Admit(ask_for(usage), Ticket())],
        "mixed": [admission, Settle(held, usage)],
        "correction": [TakeBack(held, usage)],
    }

    assert direct.trip_of(entries[what], incarnation=LIFE, held={}, now=None) is None


@pytest.mark.parametrize(
    ("claim", "incarnation"),
    [(Claim(digest=b"d", fingerprint=b"f"), LIFE), (None, ANOTHER)],
    ids=["claimed", "of another life"],
)
def test_settlements_that_have_to_be_judged(ask_for, make_usage, claim, incarnation):
    usage = make_usage()
    ask = replace(ask_for(usage), claim=claim)
    entries = [Settle(reservation(ask, incarnation), usage)]

    assert direct.trip_of(entries, incarnation=LIFE, held={}, now=None) is None


def reservation(ask, incarnation):
    return Reservation(ask=ask, incarnation=incarnation, taken=(), standings=())


@pytest.fixture
def between(monkeypatch):
    """Have something done by somebody else after the accounts are locked."""
    take, run = books.take, Script.run

    def between(action):
        def later(script, ask, **options):
            script.add(f"SELECT pg_advisory_xact_lock({HERE})")
            take(script, ask, **options)

        def without_ours(script):
            return [rows for rows in run(script) if rows != [("",)]]

        monkeypatch.setattr(books, "take", later)
        monkeypatch.setattr(Script, "run", without_ours)

        def act():
            try:
                action()
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_unlock(%s)", [HERE])
            finally:
                connection.close()

        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [HERE])
        return act

    return between


def test_accounts_that_are_made_after_the_locking_are_taken_from(
    rounds, make_usage, ask_for, between, wait_until
):
    """Two processes serve a tenant's first requests of a minute at once."""
    running, usage = (
        make_usage(),
        make_usage(tenant_id=make_api_key().api_key.tenant_id),
    )
    held = admit(rounds, ask_for(running))
    act = between(lambda: books.make_accounts([usage.tenant_id], usage.occurred_at))

    def admit_other():
        try:
            return admit(rounds, ask_for(usage))
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        admitted = threads.submit(admit_other)
        wait_until(is_anybody_waiting)
        act()
        reservation = admitted.result(5)

    assert reservation.incarnation == held.incarnation
    settle(rounds, reservation, usage)
    settle(rounds, held, running)
    assert_at_rest(tokens=14)


def is_anybody_waiting():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            " AND database = (SELECT oid FROM pg_database"
            " WHERE datname = current_database())"
        )
        return cursor.rowcount > 0


def assert_at_rest(*, tokens):
    assert not InFlight.objects.exclude(amount=0).exists()
    used = QuotaAccount.objects.filter(kind="tpd").values_list("used", flat=True)
    assert sum(used) == tokens
    assert sum(UsageEvent.objects.values_list("tokens", flat=True)) == tokens
