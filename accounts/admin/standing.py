"""How quotas stand now, on the pages of tenants and keys."""

from collections.abc import Container
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils import timezone

from accounts.admin.columns import moment
from accounts.allowances import Allowance, allowances_of
from accounts.amounts import write_amount
from accounts.models import ApiKey, Quota, Tenant
from accounts.quotas import Quantity

TEMPLATE = "admin/accounts/standing.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingRow:
    """One line: a quota in its present period."""

    kind: str
    source: str
    used: str
    limit: str
    left: str
    is_spent: bool
    resets_at: str


def standing_rows(
    request: HttpRequest, *, tenant: Tenant, api_key: ApiKey | None = None
) -> list[StandingRow] | None:
    """What binds a tenant, or one of its keys; None for who may not see quotas."""
    if not request.user.has_perm("accounts.view_quota"):
        return None
    own = set(Quota.objects.filter(tenant=tenant).values_list("kind", flat=True))
    found = allowances_of(
        tenant_id=tenant.pk,
        api_key_id=None if api_key is None else api_key.pk,
        now=timezone.now(),
    )
    return [_row(allowance, own_kinds=own) for allowance in found]


def _row(allowance: Allowance, *, own_kinds: Container[str]) -> StandingRow:
    kind = allowance.kind
    source = "Tenant" if kind.code in own_kinds else "Plan"
    return StandingRow(
        kind=kind.label,
        source="Key" if allowance.is_of_key else source,
        used=write_amount(max(0, allowance.used), kind=kind),
        limit=write_amount(allowance.limit, kind=kind),
        left=write_amount(allowance.remaining, kind=kind),
        is_spent=not allowance.remaining,
        resets_at="as they end"
        if kind.quantity is Quantity.CONCURRENT
        else moment(allowance.resets_at),
    )
