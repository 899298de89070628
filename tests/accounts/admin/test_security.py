"""The audit log and the sign-ins."""

import pytest
from auditlog.models import LogEntry
from axes.models import AccessAttempt
from django.conf import settings
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from tests.factories import make_tenant

LOGIN = reverse("admin:login")
AUDIT = reverse("admin:auditlog_logentry_changelist")
FAILED = reverse("admin:axes_accessattempt_changelist")


def fail_to_sign_in(times: int) -> None:
    stranger = Client()
    for _ in range(times):
        stranger.post(LOGIN, {"username": "root", "password": "wrong"})


def test_the_audit_log_tells_who_did_what(root: Client):
    root.post(reverse("admin:accounts_tenant_add"), {"name": "Acme", "slug": "acme"})

    page = root.get(AUDIT, {"q": "acme"}).content.decode()

    assert "create tenant" in page
    assert "root" in page
    assert "127.0.0.1" in page


def test_an_entry_has_a_page_with_its_changes(root: Client):
    make_tenant("acme", name="<b>Acme</b>")
    entry = LogEntry.objects.latest("id")

    page = root.get(reverse("admin:auditlog_logentry_change", args=[entry.pk]))

    assert b"&lt;b&gt;Acme&lt;/b&gt;" in page.content
    assert b"system" in page.content


def test_the_audit_log_cannot_be_cleared(root: Client):
    make_tenant()
    entry = LogEntry.objects.latest("id")
    delete = reverse("admin:auditlog_logentry_delete", args=[entry.pk])

    page = root.post(delete, {"post": "yes"})

    assert page.status_code == 403
    assert LogEntry.objects.filter(pk=entry.pk).exists()


def test_the_audit_log_is_paged_without_a_count(
    root: Client, django_assert_num_queries: DjangoAssertNumQueries
):
    for _ in range(20):
        make_tenant()

    with django_assert_num_queries(3) as captured:
        root.get(AUDIT)

    assert "count(" not in str(captured.captured_queries).lower()


@pytest.mark.parametrize("name", ["axes_accessattempt", "axes_accesslog"])
def test_sign_ins_are_listed(root: Client, superuser, name, plain_static_files):
    fail_to_sign_in(1)
    Client().post(LOGIN, {"username": "root", "password": "a long password"})

    page = root.get(reverse(f"admin:{name}_changelist"))

    assert b"127.0.0.1" in page.content


def test_a_lock_out_shows_and_deleting_it_unlocks(root: Client, superuser):
    fail_to_sign_in(settings.AXES_FAILURE_LIMIT)
    signed_in = {"username": "root", "password": "a long password"}

    assert b"Locked out after" in root.get(FAILED).content
    assert Client().post(LOGIN, signed_in).status_code == 429
    attempts = [attempt.pk for attempt in AccessAttempt.objects.all()]
    root.post(
        FAILED,
        {"action": "delete_selected", "_selected_action": attempts, "post": "yes"},
    )
    assert Client().post(LOGIN, signed_in).status_code == 302


def test_an_attempt_shows_no_form_data(root: Client, superuser):
    Client().post(LOGIN, {"username": "root", "password": "my real one, mistyped"})
    attempt = AccessAttempt.objects.get()

    page = root.get(reverse("admin:axes_accessattempt_change", args=[attempt.pk]))

    assert page.status_code == 200
    assert b"mistyped" not in page.content
