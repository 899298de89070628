"""Tenants: the companies and teams that are billed and isolated."""

from django.db import models
from django.db.models.functions import Lower

from accounts.models.revision import bump_revision


class TenantQuerySet(models.QuerySet["Tenant"]):
    """Tenants, by state."""

    def active(self) -> "TenantQuerySet":
        """Those that may call."""
        return self.filter(is_active=True)


class Tenant(models.Model):
    """A company or team; its keys, grants and usage belong to nobody else."""

    slug = models.SlugField(max_length=63, help_text="Short name, as in commands.")
    name = models.CharField(max_length=200)
    is_active = models.BooleanField(
        default=True, help_text="An inactive tenant's keys are refused."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        """Slugs are unique whatever their case."""

        ordering = ["slug"]
        constraints = [
            models.UniqueConstraint(
                Lower("slug"),
                name="tenant_slug_unique",
                violation_error_message="A tenant with this slug exists.",
            ),
        ]
        triggers = [bump_revision("tenant_bump_revision")]

    def __str__(self) -> str:
        return self.slug
