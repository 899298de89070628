from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Price, Revision

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.django_db
def test_one_price_at_a_time():
    Price.objects.create(model="mini", effective_from=NOW)
    Price.objects.create(model="", effective_from=NOW)

    with pytest.raises(IntegrityError), transaction.atomic():
        Price.objects.create(model="mini", effective_from=NOW)
    assert [str(price) for price in Price.objects.all()] == [
        "every other model from 2026-11-21",
        "mini from 2026-11-21",
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("column", ["per_million_tokens", "per_request"])
def test_price_is_never_negative(column):
    with pytest.raises(IntegrityError), transaction.atomic():
        Price.objects.create(effective_from=NOW, **{column: Decimal(-1)})


@pytest.mark.django_db(transaction=True)
def test_new_price_reaches_every_process():
    before = Revision.objects.current()

    Price.objects.create(model="mini", effective_from=NOW)

    assert Revision.objects.current() > before
