"""Rows that commands name: found, or refused with one sentence."""

from django.core.management.base import CommandError

from accounts.amounts import kind_named, read_amount
from accounts.models import Plan, Tenant
from accounts.quotas import QuotaKind


def tenant_named(slug: str) -> Tenant:
    """The tenant with this slug, whatever its case."""
    tenant = Tenant.objects.filter(slug__iexact=slug).first()
    if tenant is None:
        raise CommandError(f"There is no tenant {slug!r}.")
    return tenant


def plan_named(name: str) -> Plan:
    """The plan with this name, whatever its case."""
    plan = Plan.objects.filter(name__iexact=name).first()
    if plan is None:
        raise CommandError(f"There is no plan {name!r}.")
    return plan


def quota_kind(code: str) -> QuotaKind:
    """The kind of quota with this code."""
    try:
        return kind_named(code)
    except ValueError as error:
        raise CommandError(str(error)) from error


def quota_amount(text: str, *, kind: QuotaKind) -> int:
    """An amount of the kind, as the database holds it."""
    try:
        return read_amount(text, kind=kind)
    except ValueError as error:
        raise CommandError(str(error)) from error
