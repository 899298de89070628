"""Usage by day in the admin."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts import rollups
from accounts.latency import BUCKETS
from tests.accounts.admin.conftest import NEWEST, AddEvents, AddHour
from tests.factories import make_api_key, make_tenant

LIST = reverse("admin:accounts_usagesofar_changelist")


def lines(client: Client, **query):
    return client.get(LIST, query).context["cl"].result_list


def test_a_days_hours_and_keys_are_summed_up(root: Client, add_hour: AddHour):
    tenant = make_tenant("acme")
    counts = [0] * BUCKETS
    counts[0], counts[20] = 9, 1
    for hours in range(3):
        add_hour(
            NEWEST - timedelta(hours=hours),
            make_api_key(tenant).api_key,
            requests=10,
            refusals=2,
            tokens=1_000_000,
            list_nanos=25_000_001,
            latency=counts,
        )

    page = root.get(LIST).content.decode()

    [line] = lines(root)
    assert (line.requests, line.refusals, line.tokens) == (30, 6, 3_000_000)
    for text in ("2026-03-02", "acme", "3,000,000", "0.075000003", "0.2", "256.0"):
        assert text in page


def test_what_is_not_rolled_up_yet_counts(root: Client, add_events: AddEvents):
    add_events(3, tokens=7)

    [before] = lines(root)
    rollups.roll_up()
    [after] = lines(root)

    assert before.tokens == after.tokens == 21


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"model": "small"}, ["small"]),
        ({"hour_from": "2026-03-02"}, ["large", "small"]),
        ({"hour_to": "2026-03-01"}, ["old"]),
        ({"hour_from": "2026-02-28", "hour_to": "2026-03-01"}, ["old"]),
        ({"hour_to": "nonsense"}, []),
        ({"hour_to": "9999-12-31", "hour_from": "0001-01-01"}, None),
        ({"tenant__id__exact": "0"}, []),
    ],
    ids=["model", "from", "to", "range", "no day", "ends of time", "tenant"],
)
def test_lines_are_narrowed_by(root: Client, add_hour: AddHour, query, expected):
    api_key = make_api_key().api_key
    add_hour(NEWEST, api_key, model="small")
    add_hour(NEWEST, api_key, model="large")
    add_hour(NEWEST.replace(day=1, hour=23), api_key, model="old")

    found = [line.model for line in lines(root, **query)]

    assert found == (["large", "small", "old"] if expected is None else expected)


def test_one_tenants_lines(root: Client, add_hour: AddHour):
    mine, _ = add_hour(), add_hour()

    [line] = lines(root, tenant__id__exact=mine.tenant_id)

    assert line.tenant.slug == mine.tenant.slug


def test_a_page_costs_the_same_for_any_number(
    root: Client, add_hour: AddHour, django_assert_num_queries: DjangoAssertNumQueries
):
    for _ in range(20):
        add_hour(datetime(2026, 3, 2, 1, tzinfo=NEWEST.tzinfo))

    with django_assert_num_queries(10):
        root.get(LIST)


def test_a_line_has_no_page(root: Client, add_hour: AddHour):
    row = add_hour()
    page = reverse("admin:accounts_usagesofar_change", args=[-row.pk])

    assert root.get(page).status_code == 302
    assert root.post(page, {"tokens": 1}).status_code == 403
    row.refresh_from_db()
    assert row.tokens == 0
