"""Amounts of quotas as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.amounts import (
    LARGEST,
    json_amount,
    kind_named,
    read_amount,
    write_amount,
    write_money,
)
from accounts.quotas import BY_CODE, KINDS

TOKENS, MONEY = BY_CODE["tokens-month"], BY_CODE["money-month"]


@pytest.mark.parametrize(
    ("kind", "text", "amount"),
    [
        (TOKENS, "0", 0),
        (TOKENS, " 1500 ", 1_500),
        (TOKENS, "1_500_000", 1_500_000),
        (TOKENS, "1,500,000", 1_500_000),
        (TOKENS, "500k", 500_000),
        (TOKENS, "2M", 2_000_000),
        (MONEY, "0.000000001", 1),
        (MONEY, "25", 25 * 10**9),
        (MONEY, "1,250.50", 1_250_500_000_000),
        (MONEY, "1000000000", LARGEST),
    ],
)
def test_an_amount_is_read(kind, text, amount):
    assert read_amount(text, kind=kind) == amount


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *[(TOKENS, text) for text in ("", "-1", "1.5", "1,5", "_1", "1__0", "1e3")],
        *[(TOKENS, text) for text in ("1 000", "k", "1G", "NaN", "\u0661")],
        *[(MONEY, text) for text in ("", "-1", "1,5", ".5", "5.", "1e3", "5k", "NaN")],
        (MONEY, "0.0000000001"),
    ],
)
def test_what_is_no_amount_is_refused(kind, text):
    with pytest.raises(ValueError, match="is not an amount; write it as"):
        read_amount(text, kind=kind)


@pytest.mark.parametrize("kind", [TOKENS, MONEY], ids=lambda kind: kind.code)
@pytest.mark.parametrize("text", ["1000000000000000001", "9" * 10_000])
def test_too_much_is_refused(kind, text):
    with pytest.raises(ValueError, match="is the most"):
        read_amount(text, kind=kind)


@given(amount=st.integers(0, LARGEST), kind=st.sampled_from(KINDS))
def test_what_is_written_is_read_back_exactly(amount, kind):
    assert read_amount(write_amount(amount, kind=kind), kind=kind) == amount
    assert read_amount(str(json_amount(amount, kind=kind)), kind=kind) == amount


@pytest.mark.parametrize(
    ("kind", "amount", "text"),
    [
        (TOKENS, 1_500_000, "1,500,000"),
        (MONEY, 1_250_500_000_000, "1,250.50"),
        (MONEY, 1, "0.000000001"),
        (MONEY, 0, "0.00"),
    ],
)
def test_an_amount_is_written(kind, amount, text):
    assert write_amount(amount, kind=kind) == text


def test_programs_get_numbers_and_exact_decimals():
    assert json_amount(1_500, kind=TOKENS) == 1_500
    assert json_amount(1_250_500_000_000, kind=MONEY) == "1250.50"


def test_an_unknown_kind_names_the_known():
    with pytest.raises(ValueError, match=r"'tph'; there are: rpm, tpm, .*, concurrent"):
        kind_named("tph")


@pytest.mark.parametrize(
    ("nanos", "text"),
    [
        (1_250_000_000_001, "1250.000000001"),
        (10**9, "1.00"),
        (-500_000_000, "-0.50"),
        (-1_000_000_001, "-1.000000001"),
    ],
)
def test_money_is_written_exactly(nanos, text):
    assert write_money(nanos) == text
