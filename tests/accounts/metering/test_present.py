"""The meter of this process."""

import os

import pytest

from accounts.metering import Meter, close_meter, get_meter, use_meter
from accounts.models import UsageEvent
from tests.inline_meter import InlineMeter


def test_there_is_one_per_process():
    assert get_meter() is get_meter()
    assert isinstance(get_meter(), Meter)


def test_another_takes_its_place_for_a_while():
    usual, other = get_meter(), InlineMeter()

    with use_meter(other):
        assert get_meter() is other

    assert get_meter() is usual


@pytest.mark.django_db(transaction=True)
def test_a_closed_one_is_replaced(make_usage, charge):
    charge(get_meter(), make_usage())
    close_meter()

    charge(get_meter(), make_usage())

    assert UsageEvent.objects.count() == 2


def test_a_forked_child_has_its_own():
    mine = get_meter()
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writer, b"own" if get_meter() is not mine else b"shared")
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(reader, 10) == b"own"
    os.close(reader)
    os.close(writer)
