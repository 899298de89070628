"""Replacing API keys by new ones that may do the same."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import ApiKey, IssuedKey, Quota

#: How long the old key of a rotation is accepted beside the new one.
OVERLAP = timedelta(days=1)
LONGEST_OVERLAP = timedelta(days=30)


class NotActiveError(Exception):
    """The key is revoked or expired, so that nothing may take its place."""


@transaction.atomic
def rotate(api_key: ApiKey, *, overlap: timedelta = OVERLAP) -> IssuedKey:
    """Issue a key with the same name, rights, quotas and expiry; the old one expires.

    The old one is accepted for `overlap` more, but never longer than it was before;
    what was used with it counts for its own quotas alone. Raises `NotActiveError`, and
    `ValueError` for an overlap below 0 or above `LONGEST_OVERLAP`.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise ValueError(f"an overlap is between 0 and {LONGEST_OVERLAP.days} days")
    old = ApiKey.objects.select_for_update(no_key=True).get(pk=api_key.pk)
    if not old.is_active:
        raise NotActiveError
    issued = ApiKey.objects.issue(
        tenant=old.tenant,
        name=old.name,
        scopes=old.scopes,
        model_names=old.model_names,
        expires_at=old.expires_at,
    )
    Quota.objects.bulk_create(
        Quota(api_key=issued.api_key, kind=quota.kind, amount=quota.amount)
        for quota in old.quotas.all()
    )
    ends_at = timezone.now() + overlap
    old.expires_at = min(ends_at, old.expires_at or ends_at)
    old.save(update_fields=["expires_at"])
    api_key.expires_at = old.expires_at
    return issued
