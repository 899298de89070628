from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import Price
from accounts.pricing import FREE, ListPrice, list_price

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("per_million", "per_request", "tokens", "nanos"),
    [
        ("0.02", "0", 1_000_000, 20_000_000),
        ("0.02", "0", 1, 20),
        ("0.0005", "0", 1, 0),
        ("0.0015", "0", 1, 2),
        ("0", "0.000000001", 5, 1),
        ("123456789.123456789", "1", 10**9, 123456789124456789000),
    ],
    ids=["million", "one", "half-to-even", "half-up-to-even", "request", "large"],
)
def test_amounts_are_exact_to_the_nano(per_million, per_request, tokens, nanos):
    price = ListPrice(
        per_million_tokens=Decimal(per_million), per_request=Decimal(per_request)
    )

    assert price.nanos(tokens=tokens) == nanos


def make_price(model, per_million, *, since=NOW):
    return Price.objects.create(
        model=model, per_million_tokens=Decimal(per_million), effective_from=since
    )


@pytest.mark.django_db
def test_own_price_wins_over_that_of_all_others():
    make_price("", "1")
    own = make_price("mini", "2")

    assert list_price("mini", at=NOW).price_id == own.pk
    assert list_price("other", at=NOW).per_million_tokens == 1


@pytest.mark.django_db
def test_price_holds_from_its_moment_on():
    old = make_price("mini", "2", since=NOW - timedelta(days=9))
    new = make_price("mini", "3")

    assert list_price("mini", at=NOW).price_id == new.pk
    before = NOW - timedelta(microseconds=1)
    assert list_price("mini", at=before).price_id == old.pk


@pytest.mark.django_db
def test_what_is_not_listed_is_free():
    make_price("mini", "2", since=NOW + timedelta(days=1))

    assert list_price("mini", at=NOW) is FREE
    assert FREE.nanos(tokens=10**9) == 0
