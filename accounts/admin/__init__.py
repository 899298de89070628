"""The admin's pages for tenants, keys, plans, usage, operators and security."""

from accounts.admin import (
    api_keys,
    people,
    plans,
    prices,
    security,
    tenants,
    usage,
    usage_events,
)

__all__ = [
    "api_keys",
    "people",
    "plans",
    "prices",
    "security",
    "tenants",
    "usage",
    "usage_events",
]
