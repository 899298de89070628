"""Kinds of quotas and their periods."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from accounts.quotas import BEGINNING, BY_CODE, KINDS, Amounts, Period, Quantity

NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("code", "start", "end"),
    [
        (
            "rpm",
            datetime(2026, 12, 31, 23, 59, tzinfo=UTC),
            datetime(2027, 1, 1, tzinfo=UTC),
        ),
        ("tpd", datetime(2026, 12, 31, tzinfo=UTC), NEW_YEAR),
        (
            "money-month",
            datetime(2026, 12, 1, tzinfo=UTC),
            datetime(2027, 1, 1, tzinfo=UTC),
        ),
        ("tokens-prepaid", BEGINNING, None),
    ],
)
def test_a_span_holds_its_moment_and_ends_where_the_next_begins(code, start, end):
    kind = BY_CODE[code]

    span = kind.span(NOW)

    assert (span.start, span.end) == (start, end)
    following = kind.next_span(NOW)
    assert (following and following.start) == end


def test_a_span_is_in_utc_whatever_the_moments_zone():
    tokyo = timezone(timedelta(hours=9))

    span = BY_CODE["tpd"].span(datetime(2026, 11, 22, 3, tzinfo=tokyo))

    assert span.start == datetime(2026, 11, 21, tzinfo=UTC)


def test_february_of_a_leap_year_has_29_days():
    span = BY_CODE["tokens-month"].span(datetime(2028, 2, 29, tzinfo=UTC))

    assert span.end - span.start == timedelta(days=29)


def test_waiting_helps_but_with_months_and_packs():
    assert {kind.code for kind in KINDS if not kind.is_rate} == {
        "requests-month",
        "tokens-month",
        "money-month",
        "tokens-prepaid",
    }
    assert [kind.code for kind in KINDS if kind.is_pack] == ["tokens-prepaid"]


def test_an_amount_is_of_each_quantity_and_never_below_0():
    amounts = Amounts(requests=1, tokens=2, nanos=3, concurrent=4)

    assert [amounts.of(quantity) for quantity in Quantity] == [1, 2, 3, 4]
    assert amounts.covers(Amounts(tokens=2))
    assert not amounts.covers(Amounts(tokens=3))
    with pytest.raises(ValueError, match="below 0"):
        Amounts(tokens=-1)


def test_periods_tell_their_length():
    assert [period.seconds for period in Period] == [60, 86_400, 2_592_000, None]
