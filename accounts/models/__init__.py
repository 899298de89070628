"""The tables of accounts."""

from accounts.models.api_key import ApiKey, IssuedKey, Scope
from accounts.models.revision import Revision
from accounts.models.tenant import Tenant
from accounts.models.usage import EventKind, UsageEvent
from accounts.models.user import User

__all__ = [
    "ApiKey",
    "EventKind",
    "IssuedKey",
    "Revision",
    "Scope",
    "Tenant",
    "UsageEvent",
    "User",
]
