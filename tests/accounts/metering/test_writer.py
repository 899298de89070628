"""The writer; how it fares in outages and trouble is in the meter's tests."""

import pytest
from django.db import connection

from accounts.metering.entries import Admit, Settle
from accounts.metering.ticket import Ticket
from accounts.metering.writer import Writer
from accounts.models import ApiKey, Incarnation, UsageEvent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def writer():
    writer = Writer(timeout_s=5.0, put_back=pytest.fail)
    yield writer
    writer.end()


def test_a_batch_is_served_and_what_it_leaves_is_undone(writer, make_usage, ask_for):
    kept, left = Ticket(), Ticket()
    left.abandon()

    writer.serve([Admit(ask_for(make_usage()), kept)])
    writer.serve([Settle(kept.result(), make_usage(), left)])

    event = UsageEvent.objects.get()
    assert (event.status, event.tokens) == (503, 0)


def test_the_session_has_bounds_for_everything(writer, make_usage, ask_for):
    usage = make_usage()
    connection.close()
    writer.serve([Admit(ask_for(usage), Ticket())])

    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    with connection.cursor() as cursor:
        shown = []
        for name in names:
            cursor.execute(f"SHOW {name}")
            shown += cursor.fetchone()
    connection.close()
    assert shown == ["4s", "500ms", "2s"]


def test_an_end_without_a_beginning_is_none(writer):
    writer.beat()
    writer.end()

    assert not Incarnation.objects.exists()


def test_the_keys_day_of_last_use_is_noted(writer, make_usage, ask_for):
    ticket = Ticket()
    usage = make_usage()
    writer.serve([Admit(ask_for(usage), ticket)])
    entries = [Settle(ticket.result(), usage, Ticket())]
    writer.serve(entries)

    writer.note_use(entries)

    assert ApiKey.objects.get().last_used_on is not None
