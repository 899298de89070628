from datetime import date

import pytest
from django.db import IntegrityError, transaction

from accounts.models import SealedMonth

pytestmark = pytest.mark.django_db
FACTS = {"digest": "0" * 64, "events": 0, "tokens": 0, "list_nanos": 0}


def test_month_begins_on_its_first_day():
    SealedMonth.objects.create(month=date(2026, 10, 1), **FACTS)

    with pytest.raises(IntegrityError), transaction.atomic():
        SealedMonth.objects.create(month=date(2026, 10, 2), **FACTS)
    assert str(SealedMonth.objects.get()) == "2026-10"
