"""The console's home page."""

from datetime import UTC, datetime

from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts import partitions
from accounts.metering import new_event_id
from accounts.models import UsageEvent
from tests.factories import grant, make_api_key, make_provider
from tests.operators import SignIn

HOME = reverse("admin:index")
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def serve_one(tokens: int) -> None:
    key = make_api_key().api_key
    partitions.ensure_month(NOW)
    UsageEvent.objects.create(
        event_id=new_event_id(NOW),
        occurred_at=NOW,
        tenant=key.tenant,
        api_key=key,
        model="m",
        wire="openai",
        status=200,
        texts=1,
        tokens=tokens,
        latency_us=1,
    )


def test_it_counts_and_lists_the_latest(root: Client):
    grant(make_api_key().api_key.tenant)
    serve_one(tokens=1_234_567)

    page = root.get(HOME)

    facts = {fact.title: fact.count for fact in page.context["facts"]}
    assert facts == {
        "Active tenants": "2",
        "Live API keys": "2",
        "Enabled models": "1",
        "Model grants": "1",
    }
    assert b"1,234,567" in page.content
    assert b"2026-03-02 12:00:00" in page.content


def test_an_empty_platform_says_how_to_begin(root: Client):
    assert b"Nothing was served yet." in root.get(HOME).content


def test_it_shows_only_what_the_visitor_may_see(staff: SignIn):
    serve_one(tokens=1_234_567)

    page = staff("accounts.view_tenant").get(HOME)

    assert [fact.title for fact in page.context["facts"]] == ["Active tenants"]
    assert b"Latest requests" not in page.content
    assert reverse("admin:accounts_apikey_changelist").encode() not in page.content


def test_it_costs_the_same_however_much_was_served(
    root: Client, django_assert_num_queries: DjangoAssertNumQueries
):
    for tokens in range(20):
        serve_one(tokens)

    with django_assert_num_queries(8):
        root.get(HOME)


def test_a_provider_that_refuses_is_shown_to_those_who_may_know(
    root: Client, staff: SignIn
):
    make_provider("fine")
    bad = make_provider("bad", trouble="HTTP 401: no.", trouble_at=NOW)

    page = root.get(HOME)

    assert [trouble.provider for trouble in page.context["troubles"]] == ["bad"]
    assert b"Provider bad refuses our calls." in page.content
    assert (
        b"HTTP 401: no. Last at 2026-03-02 12:00 UTC."
        in " ".join(page.content.decode().split()).encode()
    )
    assert reverse("admin:embeddings_provider_change", args=[bad.pk]) in str(
        page.content
    )
    assert b"HTTP 401" not in staff("accounts.view_tenant").get(HOME).content
