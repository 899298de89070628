"""Tenants: the companies and teams that are billed and isolated."""

import pgtrigger
from django.db import models
from django.db.models.functions import Lower

from accounts.models.plan import Plan
from accounts.models.revision import bump_revision
from accounts.models.service_limits import ServiceLimits


class TenantQuerySet(models.QuerySet["Tenant"]):
    """Tenants, by state."""

    def active(self) -> "TenantQuerySet":
        """Those that may call."""
        return self.filter(is_active=True)


class Tenant(ServiceLimits):
    """A company or team; its keys, grants and usage belong to nobody else."""

    slug = models.SlugField(max_length=63, help_text="Short name, as in commands.")
    name = models.CharField(max_length=200)
    is_active = models.BooleanField(
        default=True, help_text="An inactive tenant's keys are refused."
    )
    plan = models.ForeignKey(
        Plan, null=True, blank=True, on_delete=models.PROTECT, related_name="tenants"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantQuerySet.as_manager()

    class Meta(ServiceLimits.Meta):
        """Slugs are unique whatever their case."""

        abstract = False
        ordering = ["slug"]
        constraints = [
            *ServiceLimits.Meta.constraints,
            models.UniqueConstraint(
                Lower("slug"),
                name="tenant_slug_unique",
                violation_error_message="A tenant with this slug exists.",
            ),
        ]
        triggers = [
            bump_revision("tenant_bump_revision"),
            pgtrigger.Trigger(
                name="tenant_plan_recap",
                level=pgtrigger.Row,
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                timing=pgtrigger.Deferred,
                condition=pgtrigger.AnyChange("plan"),
                func="PERFORM accounts_recap(ARRAY[NEW.id]); RETURN NULL;",
            ),
        ]

    def __str__(self) -> str:
        return self.slug
