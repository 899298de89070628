"""List prices in the admin."""

from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Price

LIST = reverse("admin:accounts_price_changelist")
ADD = reverse("admin:accounts_price_add")


def make_price(*, begins_in):
    return Price.objects.create(
        model="mini", effective_from=timezone.now() + begins_in, per_request="0.5"
    )


def page_of(price, page="change"):
    return reverse(f"admin:accounts_price_{page}", args=[price.pk])


def test_price_is_added_and_audited(root: Client):
    response = root.post(
        ADD,
        {
            "model": "",
            "per_million_tokens": "0.02",
            "per_request": "0",
            "effective_from_0": "2031-01-01",
            "effective_from_1": "00:00:00",
        },
    )

    assert response.status_code == 302, response.context["errors"]
    assert LogEntry.objects.get_for_object(Price.objects.get()).exists()
    assert "every other model" in root.get(LIST).content.decode()


@pytest.mark.parametrize(
    ("begins_in", "status"), [(timedelta(days=-1), 403), (timedelta(days=1), 200)]
)
def test_price_that_took_effect_stays(root: Client, begins_in, status):
    price = make_price(begins_in=begins_in)

    assert root.post(page_of(price), {}).status_code == status
    assert root.get(page_of(price, "delete")).status_code == status
