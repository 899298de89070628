"""The ledger's list, filters and pages."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import EventKind
from tests.accounts.admin.conftest import AddEvents
from tests.factories import make_api_key, make_tenant
from tests.operators import SignIn

LIST = reverse("admin:accounts_usageevent_changelist")


def found(client: Client, **query):
    return [event.model for event in client.get(LIST, query).context["cl"].result_list]


@pytest.mark.parametrize(
    ("query", "facts"),
    [
        ({"wire": "ollama"}, {"wire": "ollama"}),
        ({"model": "wanted"}, {}),
        ({"status": "5"}, {"status": 503}),
        ({"status": "4"}, {"status": 429}),
        ({"kind__exact": EventKind.REPLAY}, {"kind": EventKind.REPLAY, "tokens": 0}),
        ({"month": "2026-02"}, {"newest": datetime(2026, 2, 28, 23, 59, tzinfo=UTC)}),
        ({"month": "2025-12"}, {"newest": datetime(2025, 12, 1, tzinfo=UTC)}),
    ],
    ids=["wire", "model", "failed", "refused", "kind", "month", "december"],
)
def test_events_are_found_by(root: Client, add_events: AddEvents, query, facts):
    add_events(1, model="other")
    add_events(1, model="wanted", **facts)

    assert found(root, **query) == ["wanted"]


def test_events_are_found_by_tenant_and_key(root: Client, add_events: AddEvents):
    tenant = make_tenant()
    first, second = (make_api_key(tenant).api_key for _ in range(2))
    add_events(1, first, model="first")
    add_events(1, second, model="second")
    add_events(1, model="outsider")

    assert found(root, api_key__id__exact=first.pk) == ["first"]
    assert sorted(found(root, tenant__id__exact=tenant.pk)) == ["first", "second"]


@pytest.mark.parametrize(
    "query",
    [
        {"model": "\x00"},
        {"month": "soon"},
        {"q": "no id"},
        {"status": "9"},
        {"api_key__id__exact": "x"},
        {"unknown": "1"},
    ],
    ids=str,
)
def test_nonsense_is_answered_calmly(root: Client, add_events: AddEvents, query):
    add_events(1)

    assert root.get(LIST, query, follow=True).status_code == 200


def test_an_event_is_found_by_its_id(root: Client, add_events: AddEvents):
    add_events(3)
    [event] = add_events(1, model="wanted")

    assert found(root, q=f" {event.pk} ") == ["wanted"]


def test_figures_are_grouped_and_times_are_utc(root: Client, add_events: AddEvents):
    add_events(1, tokens=1234567, latency_us=2_345_678, texts=2048)

    page = root.get(LIST).content.decode()

    assert {"1,234,567", "2,345.7", "2,048", "2026-03-02 12:00:00.000"} <= {
        part.strip() for part in page.replace("<", ">").split(">")
    }


def test_an_event_has_a_page_without_buttons(root: Client, add_events: AddEvents):
    [event] = add_events(1, list_nanos=1_500, is_estimated=True)

    page = root.get(reverse("admin:accounts_usageevent_change", args=[event.pk]))

    text = page.content.decode()
    assert "0.000001500" in text
    assert "as estimate" in text
    assert 'name="_save"' not in text
    assert "/delete/" not in text


def test_viewers_see_events(staff: SignIn, add_events: AddEvents):
    [event] = add_events(1)
    clerk = staff("accounts.view_usageevent")

    page = clerk.get(reverse("admin:accounts_usageevent_change", args=[event.pk]))

    assert page.status_code == 200
