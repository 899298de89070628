"""Tenants in the admin."""

from datetime import date, timedelta

import pytest
from auditlog.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Tenant
from tests.factories import make_api_key, make_tenant
from tests.operators import SignIn

LIST = reverse("admin:accounts_tenant_changelist")


def test_only_live_keys_are_counted(root: Client):
    tenant = make_tenant()
    make_api_key(tenant, last_used_on=date(2026, 1, 2))
    make_api_key(tenant, expires_at=timezone.now() - timedelta(days=1))
    make_api_key(tenant).api_key.revoke()

    [row] = root.get(LIST).context["cl"].result_list

    assert row.live_keys == 1
    assert row.last_used_on == date(2026, 1, 2)


def test_the_list_costs_the_same_for_any_number(
    root: Client, django_assert_num_queries: DjangoAssertNumQueries
):
    for _ in range(20):
        make_api_key()

    with django_assert_num_queries(5):
        root.get(LIST)


@pytest.mark.parametrize("term", ["acme", "Corporation"], ids=["slug", "name"])
def test_tenants_are_found_by(root: Client, term):
    make_tenant("other")
    tenant = make_tenant("acme", name="A Corporation")

    assert list(root.get(LIST, {"q": term}).context["cl"].result_list) == [tenant]


@pytest.mark.parametrize(
    ("action", "expected"), [("deactivate", False), ("activate", True)]
)
def test_switching_is_audited(root: Client, action, expected):
    tenant = make_tenant("acme", is_active=not expected)

    page = root.post(
        LIST, {"action": action, "_selected_action": [tenant.pk]}, follow=True
    )

    tenant.refresh_from_db()
    assert tenant.is_active is expected
    assert f"Tenants {action}d: acme.".encode() in page.content
    entry = LogEntry.objects.filter(action=LogEntry.Action.UPDATE).get()
    assert list(entry.changes) == ["is_active"]
    assert entry.actor.username == "root"


def test_viewers_switch_nothing(staff: SignIn):
    tenant = make_tenant()

    staff("accounts.view_tenant").post(
        LIST, {"action": "deactivate", "_selected_action": [tenant.pk]}
    )

    tenant.refresh_from_db()
    assert tenant.is_active


def test_tenants_cannot_be_deleted(root: Client):
    tenant = make_tenant()

    page = root.post(
        reverse("admin:accounts_tenant_delete", args=[tenant.pk]), {"post": "yes"}
    )

    assert page.status_code == 403
    assert Tenant.objects.count() == 1


@pytest.mark.parametrize(
    ("action", "leads_to"),
    [
        ("issue_key", "apikey/add/?tenant={}"),
        ("show_keys", "apikey/?tenant__id__exact={}"),
        ("show_usage", "usagesofar/?tenant__id__exact={}"),
        ("show_ledger", "usageevent/?tenant__id__exact={}"),
    ],
)
def test_a_tenants_page_leads_on(root: Client, action, leads_to):
    tenant = make_tenant()

    response = root.get(reverse(f"admin:accounts_tenant_{action}", args=[tenant.pk]))

    assert response.url.endswith(leads_to.format(tenant.pk))
    assert root.get(response.url).status_code == 200


@pytest.mark.parametrize(
    "action", ["issue_key", "show_keys", "show_usage", "show_ledger"]
)
def test_viewers_are_not_led_where_they_may_not_go(staff: SignIn, action):
    tenant = make_tenant()
    clerk = staff("accounts.view_tenant")

    page = clerk.get(reverse(f"admin:accounts_tenant_{action}", args=[tenant.pk]))

    assert page.status_code == 403


def test_a_slug_is_taken_whatever_its_case(root: Client):
    make_tenant("acme")

    page = root.post(
        reverse("admin:accounts_tenant_add"),
        {"name": "A", "slug": "ACME", "is_active": "on"},
    )

    assert b"A tenant with this slug exists." in page.content
