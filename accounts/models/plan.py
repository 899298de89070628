"""Plans: what tenants are granted alike."""

from django.db import models
from django.db.models.functions import Lower

from accounts.models.revision import bump_revision
from accounts.models.service_limits import ServiceLimits


class Plan(ServiceLimits):
    """Quotas and limits under one name; a tenant's own win over its plan's."""

    name = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(ServiceLimits.Meta):
        """Names are unique whatever their case."""

        abstract = False
        ordering = ["name"]
        constraints = [
            *ServiceLimits.Meta.constraints,
            models.UniqueConstraint(
                Lower("name"),
                name="plan_name_unique",
                violation_error_message="A plan with this name exists.",
            ),
        ]
        triggers = [bump_revision("plan_bump_revision")]

    def __str__(self) -> str:
        return self.name
