"""Paging the ledger by position."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.contrib.admin.options import IncorrectLookupParameters
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.admin import keyset
from accounts.admin.keyset import Position
from accounts.models import UsageEvent
from accounts.partitions import partition_name
from tests.accounts.admin.conftest import NEWEST, AddEvents
from tests.factories import make_api_key

LIST = reverse("admin:accounts_usageevent_changelist")
LEDGER = 'FROM "accounts_usageevent"'
TIMES = [NEWEST + timedelta(days=31 * later) for later in range(3)]
PAGE = 100


def shown(client: Client, url: str):
    return client.get(url).context["cl"]


def plan_of(client: Client, url: str) -> list[dict[str, Any]]:
    """The steps in which PostgreSQL finds the page's events."""
    with CaptureQueriesContext(connection) as captured:
        client.get(url)
    [query] = [
        query["sql"]
        for query in captured.captured_queries
        if query["sql"].startswith("SELECT") and LEDGER in query["sql"]
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {query}")
        [[[plan]]] = cursor.fetchall()
    return list(steps_of(plan["Plan"]))


def steps_of(step: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield step
    for part in step.get("Plans", []):
        yield from steps_of(part)


def test_a_position_survives_being_written():
    position = Position(
        occurred_at=NEWEST + timedelta(microseconds=7), event_id=UUID(int=5)
    )

    assert Position.parse(str(position)) == position


@pytest.mark.parametrize("text", ["", "x", "1-2", "9" * 30 + "-" + "0" * 32, "-1"])
def test_a_forged_position_is_refused(text):
    with pytest.raises(IncorrectLookupParameters):
        Position.parse(text)


def test_a_forged_position_leads_back_to_the_list(root: Client):
    assert root.get(LIST, {"older": "forged"}).url == f"{LIST}?e=1"


def test_pages_hold_every_event_once_newest_first(root: Client, add_events: AddEvents):
    events = add_events(2 * PAGE + 5)

    pages = [shown(root, LIST)]
    while pages[-1].older_url:
        pages.append(shown(root, LIST + pages[-1].older_url))

    seen = [event.pk for page in pages for event in page.result_list]
    assert seen == [event.pk for event in events]
    assert [len(page.result_list) for page in pages] == [PAGE, PAGE, 5]


def test_newer_leads_back_the_same_way(root: Client, add_events: AddEvents):
    add_events(2 * PAGE + 5)
    first = shown(root, LIST)
    second = shown(root, LIST + first.older_url)
    third = shown(root, LIST + second.older_url)

    back = shown(root, LIST + third.newer_url)
    start = shown(root, LIST + back.newer_url)

    assert back.result_list == second.result_list
    assert start.result_list == first.result_list
    assert start.newer_url is None
    assert first.newer_url is None


def test_events_of_one_moment_are_told_apart(root: Client, add_events: AddEvents):
    key = make_api_key().api_key
    for _ in range(PAGE + 3):
        add_events(1, key)

    first = shown(root, LIST)
    second = shown(root, LIST + first.older_url)

    seen = {event.pk for page in (first, second) for event in page.result_list}
    assert len(seen) == PAGE + 3


def test_filters_stay_from_page_to_page(root: Client, add_events: AddEvents):
    add_events(PAGE + 1, wire="ollama")
    add_events(PAGE + 1, wire="openai")

    second = shown(root, LIST + shown(root, LIST + "?wire=ollama").older_url)

    assert [event.wire for event in second.result_list] == ["ollama"]
    assert second.get_query_string() == "?wire=ollama"


def test_a_slow_search_ends_with_advice(
    root: Client, add_events: AddEvents, monkeypatch: pytest.MonkeyPatch
):
    add_events(1)
    slow = UsageEvent.objects.extra(where=["pg_sleep(5) IS NOT NULL"])
    monkeypatch.setattr(keyset, "STATEMENT_TIMEOUT_MS", 50)
    monkeypatch.setattr(
        "accounts.admin.usage_events.UsageEventAdmin.get_queryset", lambda *_: slow
    )

    page = root.get(LIST)

    assert page.status_code == 200
    assert b"Choose a tenant and a month." in page.content


def test_a_page_costs_the_same_queries_for_any_number(
    root: Client,
    add_events: AddEvents,
    django_assert_num_queries: DjangoAssertNumQueries,
):
    add_events(PAGE + 5)

    with django_assert_num_queries(8):
        root.get(LIST)


@pytest.fixture
def months(add_events: AddEvents) -> UsageEvent:
    """A ledger of three months and two tenants, and its middle event."""
    keys = [make_api_key().api_key for _ in range(2)]
    for newest in TIMES:
        for key in keys:
            add_events(700, key, newest)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_usageevent")
    return UsageEvent.objects.order_by("occurred_at")[2100]


@pytest.mark.parametrize(
    ("query", "bound"),
    [
        (lambda event: {"q": "", "month": ""} if event else {}, ""),
        (lambda event: {"older": str(Position.of(event))}, "occurred_at"),
        (lambda event: {"newer": str(Position.of(event))}, "occurred_at"),
        (lambda event: {"tenant__id__exact": event.tenant_id}, "tenant_id"),
        (lambda event: {"api_key__id__exact": event.api_key_id}, "tenant_id"),
        (lambda event: {"month": f"{event.occurred_at:%Y-%m}"}, "occurred_at"),
        (lambda event: {"q": str(event.pk)}, "event_id"),
    ],
    ids=["newest", "older", "newer", "tenant", "key", "month", "id"],
)
def test_no_page_reads_or_sorts_the_whole_ledger(root: Client, months, query, bound):
    steps = plan_of(root, f"{LIST}?{urlencode(query(months))}")

    partitions = {partition_name(time) for time in TIMES}
    scans = [step for step in steps if step.get("Relation Name") in partitions]
    sorted_rows = [step["Plan Rows"] for step in steps if step["Node Type"] == "Sort"]
    assert {step["Node Type"] for step in scans} <= {"Index Scan", "Bitmap Heap Scan"}
    assert all(bound in step.get("Index Cond", "") for step in scans)
    assert max(sorted_rows, default=0) < 100
    assert scans


@pytest.mark.parametrize("column", ["model", "wire"])
def test_a_name_that_no_event_has_is_looked_up(root: Client, months, column):
    """The planner takes the index where it pays, which a test's ledger is too small
    for."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_indexscan = off")
        cursor.execute("SET LOCAL enable_seqscan = off")

    steps = plan_of(root, f"{LIST}?{column}=nobodys")

    partitions = {partition_name(time) for time in TIMES}
    scans = [step for step in steps if step["Node Type"] == "Bitmap Index Scan"]
    found = [step for step in scans if f"({column})" in step["Index Cond"]]
    assert len(found) >= len(partitions)


def test_nothing_is_counted(root: Client, months):
    with CaptureQueriesContext(connection) as captured:
        root.get(LIST)

    assert "count(" not in str(captured.captured_queries).lower()
