"""The admin's pages for tenants, keys, the ledger, operators and security."""

from accounts.admin import (
    api_keys,
    hours,
    people,
    prices,
    security,
    tenants,
    usage_events,
)

__all__ = [
    "api_keys",
    "hours",
    "people",
    "prices",
    "security",
    "tenants",
    "usage_events",
]
