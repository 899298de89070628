"""What a key may give to others: never more than it has itself."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from accounts.authentication import Caller
from accounts.errors import ForbiddenError, InvalidApiKeyError
from accounts.models import ApiKey, Scope, Tenant
from embeddings.errors import InvalidRequestError

#: How long a key that ended counts as one that there is.
REMEMBERED = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What a key may do, on which models (none: all), until when (None: for good)."""

    scopes: Collection[str]
    model_names: Collection[str]
    expires_at: datetime | None


def rights_of(api_key: ApiKey) -> Rights:
    """A key's own."""
    return Rights(
        scopes=api_key.scopes,
        model_names=api_key.model_names,
        expires_at=api_key.expires_at,
    )


def locked_keys(caller: Caller, *others: int) -> dict[int, ApiKey]:
    """The calling key and others of its tenant, as they are until the transaction ends.

    What was remembered of the caller may be a second old: one that was revoked since
    must not leave another key behind. Raises `InvalidApiKeyError`, `ForbiddenError`.
    """
    rows = (
        ApiKey.objects.filter(
            tenant_id=caller.tenant_id, pk__in={caller.api_key_id, *others}
        )
        .select_related("tenant")
        # In one order, as everybody who locks several.
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    )
    found = {api_key.pk: api_key for api_key in rows}
    own = found.get(caller.api_key_id)
    if own is None or not own.is_active or not own.tenant.is_active:
        raise InvalidApiKeyError
    if Scope.MANAGE not in own.scopes:
        raise ForbiddenError
    return found


def check_room(tenant: Tenant) -> None:
    """Raise `InvalidRequestError` where a tenant has as many keys as it may issue.

    Those that ended count for a day, so that issuing and revoking fills no table. The
    tenant's row is locked until the transaction ends.
    """
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
    now = timezone.now()
    is_active = Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=now))
    counted = is_active | Q(created_at__gt=now - REMEMBERED)
    if ApiKey.objects.filter(counted, tenant=tenant).count() >= settings.MAX_API_KEYS:
        raise InvalidRequestError(
            f"there may be {settings.MAX_API_KEYS:,} keys, and these there are; those"
            " that were revoked count for a day"
        )


def check_may_give(own: ApiKey, rights: Rights) -> None:
    """Raise `ForbiddenError` where these are more than the key's own."""
    if own.quotas.exists():
        # The new key would begin with quotas of which nothing is used.
        raise ForbiddenError("a key with quotas of its own may not issue keys")
    if excess := sorted(set(rights.scopes) - set(own.scopes)):
        raise ForbiddenError(f"this key lacks the scope {excess[0]}, so it gives none")
    if own.model_names and not (
        rights.model_names and set(rights.model_names) <= set(own.model_names)
    ):
        raise ForbiddenError("this key is held to models, and may give no others")
    if own.expires_at is not None and (
        rights.expires_at is None or rights.expires_at > own.expires_at
    ):
        raise ForbiddenError("this key expires, and may give none that lasts longer")
