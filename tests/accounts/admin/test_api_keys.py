"""Keys in the admin: issued, shown once, searched, revoked."""

import pytest
from auditlog.models import LogEntry
from django.contrib.admin.models import LogEntry as ActionEntry
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts import secrets
from accounts.models import ApiKey, Tenant
from tests.factories import make_api_key, make_tenant
from tests.operators import SignIn

LIST = reverse("admin:accounts_apikey_changelist")
ADD = reverse("admin:accounts_apikey_add")


def issue(client: Client, tenant: Tenant, **fields) -> str:
    """Fill in the form and return where it leads."""
    entered = {"tenant": tenant.pk, "name": "ci", "scopes": ["embed"]}
    response = client.post(ADD, entered | {"model_names": ""} | fields)
    assert response.status_code == 302, response.context["errors"]
    return response.url


def revoke(client: Client, *keys: ApiKey, **confirmed: str):
    chosen = {"action": "revoke_selected", "_selected_action": [k.pk for k in keys]}
    return client.post(LIST, chosen | confirmed, follow=True)


def test_the_secret_works_and_is_shown_on_the_page_after_saving(root: Client):
    page = root.get(issue(root, make_tenant("acme"), model_names=["m1", "m2"]))

    api_key = ApiKey.objects.get()
    [secret] = secrets.SECRET_PATTERN.findall(page.content.decode())
    assert secrets.digest_of(secret) == bytes(api_key.digest)
    assert (api_key.tenant.slug, api_key.name) == ("acme", "ci")
    assert (api_key.scopes, api_key.model_names) == (["embed"], ["m1", "m2"])
    assert "no-store" in page["Cache-Control"]


def test_a_second_visit_shows_no_secret(root: Client):
    url = issue(root, make_tenant())
    root.get(url)

    again = root.get(url)

    assert secrets.SECRET_PATTERN.search(again.content.decode()) is None
    assert b"was shown once" in again.content
    assert ApiKey.objects.count() == 1


def test_another_session_does_not_open_the_secret(root: Client, superuser):
    url = issue(root, make_tenant())
    other = Client()
    other.force_login(superuser, "django.contrib.auth.backends.ModelBackend")

    page = other.get(url)

    assert secrets.SECRET_PATTERN.search(page.content.decode()) is None


def test_the_secret_is_stored_nowhere(root: Client):
    url = issue(root, make_tenant())
    sessions = [session.get_decoded() for session in Session.objects.all()]
    [secret] = secrets.SECRET_PATTERN.findall(root.get(url).content.decode())

    entries = [entry.changes for entry in LogEntry.objects.all()]
    actions = list(ActionEntry.objects.values())
    assert secret not in str(sessions) + str(entries) + str(actions)
    assert secrets.digest_of(secret).hex() not in str(entries)
    assert "digest" not in str(entries)


def test_issuing_is_audited_with_its_operator(root: Client):
    issue(root, make_tenant())

    entry = LogEntry.objects.get(content_type__model="apikey")
    assert entry.action == LogEntry.Action.CREATE
    assert entry.actor.username == "root"


def test_the_page_of_the_secret_is_for_those_who_may_issue(staff: SignIn):
    key = make_api_key().api_key
    clerk = staff("accounts.view_apikey")

    page = clerk.get(reverse("admin:accounts_apikey_secret", args=[key.pk]))

    assert page.status_code == 403


def test_revoking_asks_first(root: Client):
    key = make_api_key(name="old").api_key

    page = revoke(root, key)

    key.refresh_from_db()
    assert key.is_active
    assert b"cannot be undone" in page.content
    assert key.last4.encode() in page.content


def test_a_confirmed_revocation_is_for_good_and_audited(root: Client):
    key, other = make_api_key().api_key, make_api_key().api_key

    page = revoke(root, key, confirmed="yes")

    assert b"1 key revoked." in page.content
    assert list(ApiKey.objects.filter(revoked_at=None)) == [other]
    entry = LogEntry.objects.filter(content_type__model="apikey").latest("id")
    assert "revoked_at" in entry.changes


def test_the_detail_page_asks_too_and_changes_nothing(root: Client):
    key = make_api_key().api_key

    page = root.get(reverse("admin:accounts_apikey_revoke", args=[key.pk]))

    key.refresh_from_db()
    assert key.is_active
    assert f'value="{key.pk}"'.encode() in page.content


@pytest.mark.parametrize(
    "permissions", [["view"], ["view", "change"]], ids=["viewer", "editor"]
)
def test_only_editors_revoke(staff: SignIn, permissions):
    key = make_api_key().api_key
    clerk = staff(*(f"accounts.{permission}_apikey" for permission in permissions))

    revoke(clerk, key, confirmed="yes")

    key.refresh_from_db()
    assert key.is_active == ("change" not in permissions)


def test_viewers_do_not_reach_the_page_that_asks(staff: SignIn):
    key = make_api_key().api_key

    page = staff("accounts.view_apikey").get(
        reverse("admin:accounts_apikey_revoke", args=[key.pk])
    )

    assert page.status_code == 403


def test_neither_digest_nor_tenant_nor_ends_can_be_changed(root: Client):
    key = make_api_key(name="before").api_key
    forged = {"name": "after", "scopes": ["usage"], "model_names": ""}
    forged |= {"digest": "x", "prefix": "x", "last4": "x", "revoked_at": "x"}
    forged |= {"tenant": make_tenant().pk, "expires_at_0": "", "expires_at_1": ""}
    forged |= {"quotas-TOTAL_FORMS": 0, "quotas-INITIAL_FORMS": 0}

    root.post(reverse("admin:accounts_apikey_change", args=[key.pk]), forged)

    changed = ApiKey.objects.get()
    assert (changed.name, changed.scopes) == ("after", ["usage"])
    same = ("digest", "prefix", "last4", "tenant_id", "revoked_at")
    assert [bytes(changed.digest), *(getattr(changed, f) for f in same[1:])] == [
        bytes(key.digest),
        *(getattr(key, f) for f in same[1:]),
    ]


def test_keys_cannot_be_deleted(root: Client):
    key = make_api_key().api_key

    page = root.post(
        reverse("admin:accounts_apikey_delete", args=[key.pk]), {"post": "yes"}
    )

    assert page.status_code == 403
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize(
    "term",
    [
        lambda key: key.prefix,
        lambda key: key.last4,
        lambda key: f"{key.prefix}…{key.last4}",
        lambda key: key.tenant.slug,
        lambda key: key.name,
    ],
    ids=["prefix", "last4", "as-shown", "tenant", "name"],
)
def test_keys_are_found_by(root: Client, term):
    make_api_key(name="other")
    key = make_api_key(make_tenant("needle"), name="wanted").api_key

    response = root.get(LIST, {"q": term(key)})

    assert list(response.context["cl"].result_list) == [key]


def test_the_list_costs_the_same_for_any_number(
    root: Client, django_assert_num_queries: DjangoAssertNumQueries
):
    for _ in range(20):
        make_api_key()

    with django_assert_num_queries(5):
        root.get(LIST)


def test_usage_leads_to_the_ledger(root: Client):
    key = make_api_key().api_key

    response = root.get(reverse("admin:accounts_apikey_show_usage", args=[key.pk]))

    assert response.url.endswith(f"usageevent/?api_key__id__exact={key.pk}")
