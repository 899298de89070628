"""The tables of accounts."""

from accounts.models.api_key import ApiKey, IssuedKey, Scope
from accounts.models.idempotency_key import IdempotencyKey
from accounts.models.incarnation import Incarnation, InFlight
from accounts.models.plan import Plan
from accounts.models.price import Price
from accounts.models.quota import Quota
from accounts.models.quota_account import QuotaAccount
from accounts.models.revision import Revision
from accounts.models.rollup import UsageDelta, UsageHour, UsageSoFar
from accounts.models.sealed_month import SealedMonth
from accounts.models.service_limits import ServiceLimits
from accounts.models.tenant import Tenant
from accounts.models.usage import EventKind, UsageEvent
from accounts.models.user import User

__all__ = [
    "ApiKey",
    "EventKind",
    "IdempotencyKey",
    "InFlight",
    "Incarnation",
    "IssuedKey",
    "Plan",
    "Price",
    "Quota",
    "QuotaAccount",
    "Revision",
    "Scope",
    "SealedMonth",
    "ServiceLimits",
    "Tenant",
    "UsageDelta",
    "UsageEvent",
    "UsageHour",
    "UsageSoFar",
    "User",
]
