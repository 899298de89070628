"""Keys under which callers repeat requests without being billed twice."""

import uuid

from django.db import models

from accounts.models.tenant import Tenant


class IdempotencyKey(models.Model):
    """A request that runs, or was billed, under a tenant's own name for it.

    Both digests are keyed hashes: neither the name nor the request can be guessed from
    them. While it runs, the row belongs to an incarnation and ends with it.
    """

    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    digest = models.BinaryField(max_length=32)
    fingerprint = models.BinaryField(max_length=32)
    incarnation_id = models.UUIDField(default=uuid.UUID(int=0))
    is_settled = models.BooleanField(default=False)
    expires_at = models.DateTimeField()

    class Meta:
        """One row for a tenant's key."""

        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "digest"], name="idempotency_key_unique"
            ),
        ]
        indexes = [
            # What a life that ends leaves behind.
            models.Index(
                fields=["incarnation_id"],
                name="idempotency_key_running",
                condition=models.Q(is_settled=False),
            ),
            models.Index(fields=["expires_at"], name="idempotency_key_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.tenant_id} until {self.expires_at:%Y-%m-%dT%H:%MZ}"
