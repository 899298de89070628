"""Who is let in, by arithmetic alone."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.errors import QuotaExceededError, RateLimitedError
from accounts.metering import Ask
from accounts.metering.judgement import Account, Judgement, MissingAccountsError
from accounts.quotas import BY_CODE, KINDS, Amounts

NOW = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)
ME = uuid.uuid4()
TENANT, KEY = 1, 11


def ask(tokens=1, *, at=NOW, key=KEY):
    amounts = Amounts(requests=1, tokens=tokens, nanos=10 * tokens, concurrent=1)
    return Ask(
        tenant_id=TENANT, api_key_id=key, model="m", amounts=amounts, occurred_at=at
    )


def account(number, kind, *, key=None, **fields):
    span = kind.span(NOW)
    defaults = {"cap": None, "base": 0, "used": 0, "held": 0}
    return Account(
        id=number,
        tenant_id=TENANT,
        api_key_id=key,
        kind=kind,
        start=span.start,
        end=span.end,
        **{**defaults, **fields},
    )


def judgement(*, keys=(), **by_code):
    """All of the tenant's accounts; quotas as fields by code (with _ for -)."""
    fields = {code.replace("_", "-"): found for code, found in by_code.items()}
    accounts = [account(n, k, **fields.get(k.code, {})) for n, k in enumerate(KINDS)]
    return Judgement([*accounts, *keys], incarnation=ME, now=NOW)


def used(judge, code):
    return next(a.used for a in judge.accounts.values() if a.kind.code == code)


def test_what_is_admitted_is_taken_of_every_kind():
    judge = judgement()

    reservation = judge.admit(ask(5))

    assert (used(judge, "rpm"), used(judge, "tpd"), used(judge, "money-month")) == (
        1,
        5,
        50,
    )
    assert all(one.held == one.used for one in judge.accounts.values())
    assert reservation.standings == ()


def test_the_last_token_is_usable_and_no_more():
    judge = judgement(tpm={"cap": 10, "used": 5})

    reservation = judge.admit(ask(5))
    with pytest.raises(RateLimitedError) as refusal:
        judge.admit(ask(1))

    assert reservation.standings[0].remaining == 0
    assert refusal.value.retry_after_s == 30.0
    assert refusal.value.standings == reservation.standings
    assert "limit 10, left 0, needed 1; try again in 30 s" in str(refusal.value.detail)


def test_a_refusal_takes_nothing_of_any_kind():
    judge = judgement(tokens_month={"cap": 4})

    with pytest.raises(QuotaExceededError):
        judge.admit(ask(5))

    assert all(one.used == one.held == 0 for one in judge.accounts.values())


@pytest.mark.parametrize(
    ("code", "error", "wait_s"),
    [
        ("rpm", RateLimitedError, 30),
        ("rpd", RateLimitedError, 12 * 3600 - 30),
        ("requests-month", QuotaExceededError, 9 * 86400 + 12 * 3600 - 30),
        ("concurrent", RateLimitedError, 1),
        ("tokens-prepaid", QuotaExceededError, None),
    ],
)
def test_a_refusal_tells_whether_waiting_helps(code, error, wait_s):
    judge = judgement(**{code.replace("-", "_"): {"cap": 1, "used": 1}})

    with pytest.raises(RateLimitedError) as refusal:
        judge.admit(ask())

    assert type(refusal.value) is error
    assert refusal.value.retry_after_s == wait_s


def test_a_request_that_never_fits_is_told_why():
    with pytest.raises(RateLimitedError, match="limit 10, left 10, needed 11"):
        judgement(tpm={"cap": 10}).admit(ask(11))


def test_the_quota_that_lasts_longest_gives_the_reason():
    judge = judgement(rpm={"cap": 0}, tokens_month={"cap": 0}, tpd={"cap": 0})

    with pytest.raises(QuotaExceededError, match="tokens per month"):
        judge.admit(ask())


def test_what_takes_nothing_of_a_spent_quota_is_let_in():
    judgement(tpm={"cap": 10, "used": 12}).admit(ask(0))


def test_a_keys_quota_binds_besides():
    of_key = account(99, BY_CODE["tpd"], key=KEY, cap=5)
    judge = judgement(keys=[of_key], tpd={"cap": 100})

    judge.admit(ask(5))
    judge.admit(ask(50, key=KEY + 1))
    with pytest.raises(RateLimitedError, match="the key's quota"):
        judge.admit(ask(1))

    assert (of_key.used, used(judge, "tpd")) == (5, 55)


def test_a_pack_counts_from_when_it_was_bought():
    judge = judgement(tokens_prepaid={"cap": 110, "base": 100, "used": 104})

    reservation = judge.admit(ask(2))

    [standing] = reservation.standings
    assert (standing.limit, standing.remaining, standing.reset_s) == (10, 4, None)


def test_a_tenant_without_accounts_for_the_minute_gets_them_first():
    with pytest.raises(MissingAccountsError):
        judgement().admit(ask(at=NOW + timedelta(minutes=1)))


def test_what_was_not_used_is_given_back():
    judge = judgement(tpm={"cap": 10})
    reservation = judge.admit(ask(8))

    standings = judge.settle(reservation, Amounts(requests=1, tokens=3, nanos=30))

    assert (used(judge, "tpm"), used(judge, "rpm"), used(judge, "concurrent")) == (
        3,
        1,
        0,
    )
    assert all(one.held == 0 for one in judge.accounts.values())
    assert standings[0].remaining == 7


def test_what_an_earlier_incarnation_held_is_taken_anew():
    earlier = Judgement(
        [account(n, k) for n, k in enumerate(KINDS)], incarnation=uuid.uuid4(), now=NOW
    )
    reservation = earlier.admit(ask(8))
    judge, full = judgement(), judgement(tpm={"cap": 5, "used": 3})
    spent = Amounts(requests=1, tokens=3, nanos=30)

    judge.settle(reservation, spent)
    with pytest.raises(RateLimitedError):
        full.settle(reservation, spent)

    assert (used(judge, "tpm"), used(judge, "concurrent")) == (3, 0)
    assert used(full, "tpm") == 3


def test_what_was_taken_back_is_as_if_it_had_not_been():
    judge = judgement()
    reservation = judge.admit(ask(8))
    spent = Amounts(requests=1, tokens=8, nanos=80)
    judge.settle(reservation, spent)

    judge.take_back(reservation, spent)

    assert all(one.used == one.held == 0 for one in judge.accounts.values())


@given(
    cap=st.integers(0, 60),
    steps=st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 20), st.booleans()), max_size=40
    ),
)
def test_no_order_of_steps_overshoots_or_loses_anything(cap, steps):
    judge = judgement(tpm={"cap": cap})
    running, spent = [], 0
    for tokens, used_tokens, settles_first in steps:
        if settles_first and running:
            reservation = running.pop(0)
            final = min(used_tokens, reservation.ask.amounts.tokens)
            judge.settle(reservation, Amounts(requests=1, tokens=final))
            spent += final
        try:
            running.append(judge.admit(ask(tokens)))
        except RateLimitedError:
            held = sum(reservation.ask.amounts.tokens for reservation in running)
            assert spent + held + tokens > cap
        held = sum(reservation.ask.amounts.tokens for reservation in running)
        assert used(judge, "tpm") == spent + held <= cap
    for reservation in running:
        judge.settle(reservation, Amounts())
    assert used(judge, "tpm") == spent
    assert all(one.held == 0 for one in judge.accounts.values())
