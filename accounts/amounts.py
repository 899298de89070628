"""Amounts of quotas as people write them: money in the currency, all others whole."""

import re
from decimal import Decimal

from accounts.quotas import BY_CODE, NANOS, Quantity, QuotaKind

#: What is added to an amount still fits into the database's 64 bits.
LARGEST = 10**18

DIGITS = r"([0-9]+(?:_[0-9]+)*|[0-9]{1,3}(?:,[0-9]{3})+)"
MONEY = re.compile(rf"{DIGITS}(?:\.([0-9]{{1,9}}))?")
WHOLE = re.compile(rf"{DIGITS}([kKmM]?)")
FACTORS = {"": 1, "k": 1_000, "m": 1_000_000}


def kind_named(code: str) -> QuotaKind:
    """The kind of a code; raises `ValueError` with a sentence that names all."""
    try:
        return BY_CODE[code]
    except KeyError:
        known = ", ".join(BY_CODE)
        raise ValueError(
            f"There is no kind of quota {code!r}; there are: {known}."
        ) from None


def is_money(kind: QuotaKind) -> bool:
    """Whether its amounts are in the currency."""
    return kind.quantity is Quantity.NANOS


def read_amount(text: str, *, kind: QuotaKind) -> int:
    """What the database holds for `text`: `25.50`, `1,500`, `1_500`, `500k` or `2M`.

    Money becomes nanos, without rounding. Raises `ValueError` with a sentence.
    """
    amount = _nanos(text.strip()) if is_money(kind) else _whole(text.strip())
    if amount is None:
        form = "25 or 0.50, to nine decimals" if is_money(kind) else "1500, 500k or 2M"
        raise ValueError(f"{text!r} is not an amount; write it as {form}.")
    if amount > LARGEST:
        most = write_amount(LARGEST, kind=kind)
        raise ValueError(f"{text} is too much; {most} is the most.")
    return amount


def write_amount(amount: int, *, kind: QuotaKind) -> str:
    """An amount in the form that `read_amount` reads, with thousands separators."""
    return _with_commas(amount) if is_money(kind) else f"{amount:,}"


def in_currency(nanos: int) -> Decimal:
    """Nanos as units of the currency, exactly."""
    return Decimal(nanos).scaleb(-9)


def write_money(nanos: int) -> str:
    """An amount of money in the currency: exact, with two decimals or more."""
    whole, _, decimals = f"{in_currency(nanos):.9f}".partition(".")
    return f"{whole}.{decimals.rstrip('0'):0<2}"


def json_amount(amount: int, *, kind: QuotaKind) -> int | str:
    """An amount for programs: money as a decimal string in the currency."""
    return write_money(amount) if is_money(kind) else amount


def _with_commas(nanos: int) -> str:
    whole, _, decimals = write_money(nanos).partition(".")
    return f"{int(whole):,}.{decimals}"


def _nanos(text: str) -> int | None:
    found = MONEY.fullmatch(text)
    if found is None:
        return None
    return _digits(found[1]) * NANOS + int((found[2] or "").ljust(9, "0"))


def _whole(text: str) -> int | None:
    found = WHOLE.fullmatch(text)
    return found and _digits(found[1]) * FACTORS[found[2].lower()]


def _digits(text: str) -> int:
    """The number; of a length that nobody means, one that is too large."""
    digits = re.sub("[_,]", "", text)
    return int(digits) if len(digits) < len(str(LARGEST)) + 1 else LARGEST + 1
