"""The lives of processes."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone

from accounts.metering import books, incarnations
from accounts.metering.script import Script
from accounts.models import Incarnation, InFlight, QuotaAccount
from tests.factories import make_tenant

pytestmark = pytest.mark.django_db(transaction=True)


def begin_with(*amounts, is_dead=False):
    """A life that holds amounts of as many accounts of a new tenant."""
    tenant = make_tenant()
    books.make_accounts([tenant.pk], timezone.now())
    incarnation = incarnations.begin()
    accounts = QuotaAccount.objects.filter(tenant=tenant)[: len(amounts)]
    for account, amount in zip(accounts, amounts, strict=True):
        InFlight.objects.create(
            incarnation_id=incarnation, account=account, amount=amount
        )
        QuotaAccount.objects.filter(pk=account.pk).update(used=amount + 100)
    if is_dead:
        Incarnation.objects.filter(pk=incarnation).update(seen_at="2026-01-01T00:00Z")
    return incarnation, tenant


def raise_round(incarnation, number):
    script = Script()
    incarnations.raise_round(script, incarnation, number)
    return script.run() != [[]]


def used(tenant):
    found = QuotaAccount.objects.filter(tenant=tenant, used__gt=0)
    return list(found.values_list("used", flat=True))


def test_rounds_are_taken_in_turn_and_told():
    incarnation = incarnations.begin()

    assert [raise_round(incarnation, number) for number in (1, 1, 3, 2)] == [
        True,
        False,
        False,
        True,
    ]

    assert incarnations.leave_out(incarnation, 2) == 2


def test_a_round_that_was_left_out_comes_too_late():
    incarnation = incarnations.begin()
    assert raise_round(incarnation, 1)

    assert [incarnations.leave_out(incarnation, 2) for _ in range(2)] == [3, 3]

    assert not raise_round(incarnation, 2)
    assert raise_round(incarnation, 4)


def test_a_life_that_ended_writes_no_more_and_holds_nothing():
    incarnation, tenant = begin_with(5, 7)

    incarnations.end(incarnation)
    incarnations.end(incarnation)

    assert used(tenant) == [100, 100]
    assert not InFlight.objects.exists()
    assert not raise_round(incarnation, 1)


def test_the_dead_give_back_what_they_held_and_the_living_keep_it():
    _, of_living = begin_with(5)
    _, of_dead = begin_with(5, 7, is_dead=True)

    assert incarnations.reap() == 1

    assert used(of_living) == [105]
    assert used(of_dead) == [100, 100]
    assert incarnations.reap() == 0


def test_many_who_reap_give_back_once():
    tenants = [begin_with(5, 7, is_dead=True)[1] for _ in range(8)]

    def reap(_):
        try:
            return incarnations.reap()
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(reap, range(6))) == 8

    assert [used(tenant) for tenant in tenants] == [[100, 100]] * 8


def test_of_an_unknown_life_nothing_is_known():
    Incarnation.objects.all().delete()

    assert incarnations.leave_out("00000000-0000-0000-0000-000000000001", 1) == -1


def test_a_process_killed_on_this_machine_is_found_at_once():
    _, of_dead = begin_with(5)
    _, of_living = begin_with(5)
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    dead = Incarnation.objects.earliest("started_at")
    Incarnation.objects.filter(pk=dead.pk).update(pid=child)

    assert incarnations.reap_neighbours() == 1

    assert (used(of_dead), used(of_living)) == ([100], [105])


def test_processes_elsewhere_are_left_to_their_heartbeat():
    begin_with(5)
    Incarnation.objects.update(machine="another", pid=2**22 - 1)

    assert incarnations.reap_neighbours() == 0
