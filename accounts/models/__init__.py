"""The tables of accounts."""

from accounts.models.api_key import ApiKey, IssuedKey, Scope
from accounts.models.price import Price
from accounts.models.revision import Revision
from accounts.models.rollup import UsageDelta, UsageHour, UsageSoFar
from accounts.models.sealed_month import SealedMonth
from accounts.models.tenant import Tenant
from accounts.models.usage import EventKind, UsageEvent
from accounts.models.user import User

__all__ = [
    "ApiKey",
    "EventKind",
    "IssuedKey",
    "Price",
    "Revision",
    "Scope",
    "SealedMonth",
    "Tenant",
    "UsageDelta",
    "UsageEvent",
    "UsageHour",
    "UsageSoFar",
    "User",
]
