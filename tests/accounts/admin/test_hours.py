"""Usage by the hour in the admin."""

from datetime import UTC, datetime

from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.latency import BUCKETS
from accounts.models import UsageHour
from tests.factories import make_api_key

LIST = reverse("admin:accounts_usagehour_changelist")


def make_hour(*, hour=12, **fields):
    api_key = make_api_key().api_key
    facts = {"latency": [0] * BUCKETS, "model": "mini", **fields}
    return UsageHour.objects.create(
        hour=datetime(2026, 11, 21, hour, tzinfo=UTC),
        tenant=api_key.tenant,
        api_key=api_key,
        **facts,
    )


def test_hours_are_shown_with_their_sums_and_latencies(root: Client):
    counts = [0] * BUCKETS
    counts[0], counts[20] = 9, 1
    make_hour(latency=counts, requests=10, tokens=1_234_567, list_nanos=25_000_000)

    page = root.get(LIST).content.decode()

    for text in ("2026-11-21 12:00", "1,234,567", "0.025000", "0.2", "256.0"):
        assert text in page


def test_list_costs_the_same_for_any_number(
    root: Client, django_assert_num_queries: DjangoAssertNumQueries
):
    for hour in range(20):
        make_hour(hour=hour)

    with django_assert_num_queries(3):
        root.get(LIST)


def test_nobody_edits_what_was_rolled_up(root: Client):
    row = make_hour()
    url = reverse("admin:accounts_usagehour_change", args=[row.pk])

    assert root.post(url, {"tokens": 1}).status_code == 403
