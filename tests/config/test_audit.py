import pytest
from auditlog.models import LogEntry
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from tests.factories import make_tenant

pytestmark = pytest.mark.django_db


def test_change_is_laid_to_the_operator_at_the_real_address(
    client: Client, admin_user: User
) -> None:
    tenant = make_tenant("acme")
    client.force_login(admin_user)

    client.post(
        reverse("admin:accounts_tenant_changelist"),
        {"action": "deactivate", "_selected_action": [tenant.pk]},
        headers={"x-forwarded-for": "198.51.100.1"},
        REMOTE_ADDR="203.0.113.9",
    )

    entry = LogEntry.objects.get_for_object(tenant).latest("pk")
    assert (entry.actor, entry.remote_addr) == (admin_user, "203.0.113.9")


@pytest.mark.parametrize("path", ["/healthz", "/v1/embeddings", "/api/version"])
def test_cookie_costs_no_query_elsewhere(
    path: str,
    client: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    client.cookies["sessionid"] = "a" * 32

    with django_assert_num_queries(0):
        client.get(path)
