"""API keys."""

from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.utils import timezone

from accounts import secrets
from accounts.models import ApiKey, Scope
from tests.factories import make_api_key, make_tenant

pytestmark = pytest.mark.django_db


def test_only_the_digest_is_stored():
    issued = make_api_key()

    row = ApiKey.objects.values().get()
    assert bytes(row["digest"]) == secrets.digest_of(issued.secret)
    assert issued.secret not in str(row)
    assert row["prefix"] == issued.secret[:13]
    assert row["last4"] == issued.secret[-4:]


def test_a_key_may_embed_and_read_usage_unless_told_otherwise():
    assert make_api_key().api_key.scopes == [Scope.EMBED, Scope.USAGE]


@pytest.mark.parametrize("scopes", [[], ["admin"], ["embed", "admin"]], ids=str)
def test_odd_scopes_are_refused_by_the_database(scopes):
    with pytest.raises(IntegrityError, match="api_key_scopes_known"):
        make_api_key(scopes=scopes)


def test_a_key_belongs_to_one_tenant():
    tenant, outsider = make_tenant(), make_tenant()
    mine, _ = make_api_key(tenant), make_api_key(outsider)

    assert list(ApiKey.objects.for_tenant(tenant)) == [mine.api_key]


@pytest.mark.parametrize(
    ("fields", "is_active"),
    [
        pytest.param({}, True, id="lasting"),
        pytest.param({"expires_at": timedelta(hours=1)}, True, id="not yet expired"),
        pytest.param({"expires_at": -timedelta(hours=1)}, False, id="expired"),
        pytest.param({"revoked_at": -timedelta(hours=1)}, False, id="revoked"),
    ],
)
def test_active_is_neither_revoked_nor_expired(fields, is_active):
    now = timezone.now()
    times = {name: now + delta for name, delta in fields.items()}
    api_key = make_api_key(**times).api_key

    assert ApiKey.objects.active().exists() is is_active
    assert api_key.is_active is is_active


def test_an_inactive_tenants_keys_are_not_active():
    make_api_key(make_tenant(is_active=False))

    assert not ApiKey.objects.active().exists()


def test_revoking_is_for_good_and_keeps_the_first_time():
    api_key = make_api_key().api_key
    api_key.revoke()
    first = api_key.revoked_at

    api_key.revoke()

    api_key.refresh_from_db()
    assert api_key.revoked_at == first is not None


def test_revoking_many_tells_how_many_were_not_yet():
    revoked, _ = make_api_key().api_key, make_api_key()
    revoked.revoke()

    assert ApiKey.objects.revoke() == 1
