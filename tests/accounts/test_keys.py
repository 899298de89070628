"""A new key may do what the old one did, which expires."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import secrets
from accounts.keys import LONGEST_OVERLAP, NotActiveError, rotate
from accounts.models import ApiKey, Quota
from tests.factories import make_api_key

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def active_ids():
    return {key.pk for key in ApiKey.objects.active()}


def test_new_key_has_the_same_rights_and_quotas():
    expiry = timezone.now() + 90 * DAY
    old = make_api_key(
        name="ingest", scopes=["manage"], model_names=["a"], expires_at=expiry
    ).api_key
    Quota.objects.create(api_key=old, kind="tpm", amount=5)

    issued = rotate(old)

    new = ApiKey.objects.get(digest=secrets.digest_of(issued.secret))
    assert new.pk != old.pk
    assert (new.tenant_id, new.name, new.scopes) == (
        old.tenant_id,
        "ingest",
        ["manage"],
    )
    assert (new.model_names, new.expires_at) == (["a"], expiry)
    assert [(q.kind, q.amount) for q in new.quotas.all()] == [("tpm", 5)]
    assert [(q.kind, q.amount) for q in old.quotas.all()] == [("tpm", 5)]


def test_both_are_accepted_for_the_overlap():
    old = make_api_key().api_key

    before = timezone.now()
    new = rotate(old, overlap=DAY).api_key

    stored = ApiKey.objects.get(pk=old.pk)
    assert before + DAY <= stored.expires_at <= timezone.now() + DAY
    assert old.expires_at == stored.expires_at
    assert active_ids() == {old.pk, new.pk}


def test_without_an_overlap_the_old_one_is_refused_at_once():
    old = make_api_key().api_key

    new = rotate(old, overlap=timedelta(0)).api_key

    assert active_ids() == {new.pk}


def test_old_key_never_lasts_longer_than_before():
    expiry = timezone.now() + timedelta(hours=1)
    old = make_api_key(expires_at=expiry).api_key

    rotate(old, overlap=DAY)

    old.refresh_from_db()
    assert old.expires_at == expiry


@pytest.mark.parametrize(
    "ended",
    [{"revoked_at": timezone.now()}, {"expires_at": timezone.now()}],
    ids=["revoked", "expired"],
)
def test_key_that_is_refused_is_not_replaced(ended):
    old = make_api_key(**ended).api_key

    with pytest.raises(NotActiveError):
        rotate(old)

    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("overlap", [-DAY, LONGEST_OVERLAP + DAY], ids=str)
def test_overlap_has_bounds(overlap):
    with pytest.raises(ValueError, match="between 0 and 30 days"):
        rotate(make_api_key().api_key, overlap=overlap)
