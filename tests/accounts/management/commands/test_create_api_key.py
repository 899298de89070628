"""create_api_key."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.authentication import caller_of
from accounts.models import ApiKey
from tests.factories import make_tenant

pytestmark = pytest.mark.django_db


def test_the_key_is_shown_and_works(run):
    tenant = make_tenant("acme")

    ended = run("create_api_key", "acme", "--json")

    value = ended.value
    assert caller_of(value["key"]).tenant_id == tenant.pk
    assert value["id"] == ApiKey.objects.get().pk
    assert value["scopes"] == ["embed", "usage"]
    assert value["expires_at"] is None


def test_as_text_it_is_the_key_and_a_warning(run):
    make_tenant("acme")

    secret, warning = run("create_api_key", "ACME").out.splitlines()

    assert caller_of(secret)
    assert warning == "The key is shown once."


def test_it_may_be_held_to_scopes_and_models(run):
    make_tenant("acme")

    run(
        *("create_api_key", "acme", "--name", "batch"),
        *("--scope", "embed", "--scope", "manage", "--model", "a", "--model", "b"),
    )

    api_key = ApiKey.objects.get()
    assert (api_key.name, api_key.scopes) == ("batch", ["embed", "manage"])
    assert api_key.model_names == ["a", "b"]


def test_it_may_expire_in_days(run):
    make_tenant("acme")

    run("create_api_key", "acme", "--expires-in-days", "30")

    left = ApiKey.objects.get().expires_at - timezone.now()
    assert timedelta(days=29, hours=23) < left <= timedelta(days=30)


@pytest.mark.parametrize(
    "text", ["2090-01-01T00:00:00", "2090-01-01T01:00:00+01:00", "2090-01-01T00:00:00Z"]
)
def test_it_may_expire_at_a_moment(run, text):
    make_tenant("acme")

    run("create_api_key", "acme", "--expires-at", text)

    assert ApiKey.objects.get().expires_at == datetime(2090, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["other"], "There is no tenant 'other'.\n"),
        (
            ["acme", "--expires-at", "2020-01-01T00:00:00Z"],
            "The expiry must lie in the future.\n",
        ),
        (["acme", "--expires-in-days", "0"], "The expiry must lie in the future.\n"),
        (
            ["acme", "--expires-in-days", "99999999"],
            "The expiry is not a time that exists.\n",
        ),
        (
            ["acme", "--expires-at", "2090-02-30T00:00:00Z"],
            "The expiry is not a time that exists.\n",
        ),
        (
            ["acme", "--expires-at", "soon"],
            "Write the expiry as 2030-12-31T23:59:59Z.\n",
        ),
    ],
    ids=["unknown tenant", "past", "no days", "too far", "no such day", "no time"],
)
def test_what_cannot_be_is_one_sentence(run, arguments, sentence):
    make_tenant("acme")

    ended = run("create_api_key", *arguments)

    assert (ended.code, ended.err) == (1, sentence)
    assert not ApiKey.objects.exists()


def test_a_name_that_is_too_long_is_refused(run):
    make_tenant("acme")

    ended = run("create_api_key", "acme", "--name", "x" * 201)

    assert ended.code == 1
    assert "at most 200 characters" in ended.err


def test_an_unknown_scope_is_a_usage_error(run):
    make_tenant("acme")

    assert run("create_api_key", "acme", "--scope", "admin").code == 2
