"""API keys: issued once in clear, kept as digests, revoked for good."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from accounts import secrets
from accounts.models.revision import bump_revision
from accounts.models.tenant import Tenant

SHOWN_PREFIX_LENGTH = 13


class Scope(models.TextChoices):
    """What a key may do."""

    EMBED = "embed", "Embed texts"
    USAGE = "usage", "Read the tenant's usage"
    MANAGE = "manage", "Manage the tenant's keys"


def default_scopes() -> list[str]:
    """A key embeds and reads its tenant's usage unless told otherwise."""
    return [Scope.EMBED.value, Scope.USAGE.value]


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key's row and its secret, which is never seen again."""

    api_key: "ApiKey"
    secret: str


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """API keys, by owner and state; the only place that makes one."""

    def for_tenant(self, tenant: Tenant) -> "ApiKeyQuerySet":
        """Those of one tenant."""
        return self.filter(tenant=tenant)

    def active(self, *, at: datetime | None = None) -> "ApiKeyQuerySet":
        """Those accepted at the time `at` (now): neither revoked nor expired."""
        moment = at or timezone.now()
        lasting = models.Q(expires_at__isnull=True) | models.Q(expires_at__gt=moment)
        return self.filter(lasting, revoked_at__isnull=True, tenant__is_active=True)

    def issue(self, *, tenant: Tenant, name: str, **fields: Any) -> IssuedKey:
        """Create a key and return it with its secret; only the digest is stored."""
        secret = secrets.make_secret()
        api_key = self.create(
            tenant=tenant,
            name=name,
            digest=secrets.digest_of(secret),
            prefix=secret[:SHOWN_PREFIX_LENGTH],
            last4=secret[-4:],
            **fields,
        )
        return IssuedKey(api_key, secret)

    def revoke(self, *, at: datetime | None = None) -> int:
        """Revoke those that are not yet; returns how many were."""
        return self.filter(revoked_at__isnull=True).update(
            revoked_at=at or timezone.now()
        )


class ApiKey(models.Model):
    """A tenant's credential; `prefix` and `last4` are for people, never for look-up."""

    tenant = models.ForeignKey(
        Tenant, on_delete=models.PROTECT, related_name="api_keys"
    )
    name = models.CharField(max_length=200)
    digest = models.BinaryField(max_length=32, editable=False)
    prefix = models.CharField(max_length=16, editable=False)
    last4 = models.CharField(max_length=4, editable=False)
    scopes = ArrayField(
        models.CharField(max_length=16, choices=Scope.choices), default=default_scopes
    )
    model_names = ArrayField(
        models.CharField(max_length=200),
        default=list,
        blank=True,
        help_text="Canonical model names this key is held to; empty: all granted.",
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_on = models.DateField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        """A digest is found by its unique index."""

        verbose_name = "API key"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["digest"], name="api_key_digest_unique"),
            models.CheckConstraint(
                condition=models.Q(scopes__contained_by=Scope.values)
                & ~models.Q(scopes=[]),
                name="api_key_scopes_known",
                violation_error_message="Choose at least one known scope.",
            ),
        ]
        triggers = [bump_revision("api_key_bump_revision", exclude=("last_used_on",))]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…{self.last4})"

    @property
    def is_active(self) -> bool:
        """Whether the key is accepted now, its tenant's state aside."""
        lasting = self.expires_at is None or self.expires_at > timezone.now()
        return lasting and self.revoked_at is None

    def revoke(self) -> None:
        """Refuse this key from now on, in every process within a second."""
        if self.revoked_at is None:
            self.revoked_at = timezone.now()
            self.save(update_fields=["revoked_at"])
