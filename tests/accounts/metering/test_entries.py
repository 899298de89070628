"""What the metering thread is asked."""

from datetime import UTC, datetime

from accounts.metering import Ask
from accounts.metering.entries import Admit
from accounts.metering.ticket import Ticket
from accounts.quotas import Amounts


def test_two_requests_alike_are_two_entries():
    ask = Ask(
        tenant_id=1,
        api_key_id=1,
        model="m",
        amounts=Amounts(),
        occurred_at=datetime(2026, 11, 21, tzinfo=UTC),
    )

    assert len({Admit(ask, Ticket()), Admit(ask, Ticket())}) == 2
