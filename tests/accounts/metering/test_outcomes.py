"""What a round decides, and whom it tells."""

import uuid
from datetime import UTC, datetime

import pytest

from accounts.errors import QuotaExceededError
from accounts.metering import Ask
from accounts.metering.claims import Claims
from accounts.metering.entries import Admit, Settle, TakeBack
from accounts.metering.judgement import Account, Judgement
from accounts.metering.outcomes import Outcomes
from accounts.metering.ticket import Ticket
from accounts.metering.usage import Usage
from accounts.quotas import KINDS, Amounts

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ME = uuid.uuid4()
ASK = Ask(
    tenant_id=1,
    api_key_id=11,
    model="m",
    amounts=Amounts(requests=1, tokens=5, concurrent=1),
    occurred_at=NOW,
)


@pytest.fixture
def judgement():
    def account(number, kind):
        span = kind.span(NOW)
        return Account(
            id=number,
            tenant_id=1,
            api_key_id=None,
            kind=kind,
            start=span.start,
            end=span.end,
            cap=5 if kind.code == "tokens-month" else None,
            base=0,
            used=0,
            held=0,
        )

    accounts = [account(number, kind) for number, kind in enumerate(KINDS)]
    return Judgement(accounts, incarnation=ME, now=NOW)


def outcomes(*entries):
    return Outcomes(entries, Claims([], incarnation=ME, now=NOW))


def usage(**fields):
    defaults = {"status": 200, "texts": 1, "tokens": 5, "latency_us": 1}
    return Usage(
        tenant_id=1,
        api_key_id=11,
        model="m",
        wire="test",
        occurred_at=NOW,
        **{**defaults, **fields},
    )


def abandoned():
    ticket = Ticket()
    assert ticket.abandon()
    return ticket


def decide(judgement, *entries):
    made = outcomes(*entries)
    for entry in entries:
        made.decide(entry, judgement)
    return made


def test_nobody_hears_anything_before_it_is_written(judgement):
    ticket = Ticket()
    made = decide(judgement, Admit(ASK, ticket))
    assert not ticket.wait(0)

    assert made.announce() != []


def test_a_refusal_is_counted_and_told(judgement):
    first, second = Ticket(), Ticket()
    made = decide(judgement, Admit(ASK, first), Admit(ASK, second))

    assert made.announce() == []
    assert made.refusals == [ASK]
    assert first.result().ask is ASK
    with pytest.raises(QuotaExceededError):
        second.result()


def test_who_left_before_a_refusal_leaves_nothing_to_do(judgement):
    judgement.admit(ASK)

    assert decide(judgement, Admit(ASK, abandoned())).announce() == []


def test_what_was_reserved_for_nobody_is_to_be_given_back(judgement):
    [undo] = decide(judgement, Admit(ASK, abandoned())).announce()

    assert isinstance(undo, Settle)
    assert undo.usage is undo.ticket is None


@pytest.mark.parametrize(("status", "tokens"), [(200, 5), (500, 0)])
def test_only_what_was_billed_for_nobody_is_to_be_taken_back(judgement, status, tokens):
    reservation = judgement.admit(ASK)
    event = usage(status=status, tokens=tokens)

    undo = decide(judgement, Settle(reservation, event, abandoned())).announce()

    assert [type(one) for one in undo] == [TakeBack] * (status == 200)


def test_what_nobody_waits_for_is_written_all_the_same(judgement):
    made = decide(judgement, Settle(judgement.admit(ASK), usage()))

    assert [event.tokens for event in made.usages] == [5]
    assert made.announce() == []
