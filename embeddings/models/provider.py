"""Whose models are served besides our own: where they answer, and with which key."""

from typing import Any
from urllib.parse import urlsplit

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.encryption import decrypt, encrypt
from accounts.models.revision import bump_revision
from embeddings.engine.backends import backend_titles, needs_url
from embeddings.models.endpoint_rules import (
    check_credential,
    check_options,
    check_url,
    clean_hosts,
)


def provider_kinds() -> list[tuple[str, str]]:
    """The backends that there are, installed ones included, with their titles."""
    return sorted(backend_titles().items())


class ProviderQuerySet(models.QuerySet["Provider"]):
    """Providers, by state."""

    def enabled(self) -> "ProviderQuerySet":
        """Those that are asked."""
        return self.filter(is_enabled=True)

    def in_trouble(self) -> "ProviderQuerySet":
        """Those in use that did not take our calls lately."""
        return self.enabled().filter(trouble_at__isnull=False)


class Provider(models.Model):
    """Somebody else's embedding service; its models are rows of the catalog."""

    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=64, choices=provider_kinds)
    url = models.CharField(
        max_length=500,
        blank=True,
        default="",
        verbose_name="address",
        help_text="Empty: the vendor's own.",
    )
    # Written to no dump, form or audit entry: what is in it helps nobody who reads it.
    credential = models.TextField(
        blank=True, default="", editable=False, serialize=False
    )
    credential_set_at = models.DateTimeField(
        null=True, blank=True, editable=False, serialize=False
    )
    options = models.JSONField(
        default=dict,
        blank=True,
        help_text='Texts by name, such as {"api_version": "2024-10-21"} for Azure, or '
        '{"batch_texts": "32"} for a server that takes no more in one call.',
    )
    allowed_hosts = ArrayField(
        models.CharField(max_length=255),
        default=list,
        blank=True,
        help_text="Hosts that may lie in a private network or do without TLS.",
    )
    timeout_s = models.FloatField(
        default=30.0,
        verbose_name="timeout (seconds)",
        help_text="How long one try may take.",
    )
    attempts = models.PositiveIntegerField(
        default=3, help_text="Tries of one call in all."
    )
    concurrency = models.PositiveIntegerField(
        default=8, help_text="Calls at once, of each serving process."
    )
    is_enabled = models.BooleanField(default=True)
    trouble = models.CharField(max_length=200, blank=True, default="", editable=False)
    trouble_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ProviderQuerySet.as_manager()

    class Meta:
        """Names are unique whatever their case; figures are ones that can work."""

        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="provider_name_unique",
                violation_error_message="A provider with this name exists.",
            ),
            models.CheckConstraint(
                condition=~models.Q(name="") & ~models.Q(kind=""),
                name="provider_named",
                violation_error_message="A provider has a name and a kind.",
            ),
            models.CheckConstraint(
                condition=models.Q(url="")
                | models.Q(url__regex=r"^https?://[^@?#\s]+$"),
                name="provider_url_form",
                violation_error_message="Write it such as https://api.example.com/v1.",
            ),
            models.CheckConstraint(
                condition=models.Q(timeout_s__gt=0, timeout_s__lte=600),
                name="provider_timeout_in_range",
                violation_error_message="A try takes 600 seconds at most.",
            ),
            models.CheckConstraint(
                condition=models.Q(attempts__gte=1, attempts__lte=10),
                name="provider_attempts_in_range",
                violation_error_message="There are 1 to 10 tries.",
            ),
            models.CheckConstraint(
                condition=models.Q(concurrency__gte=1, concurrency__lte=1000),
                name="provider_concurrency_in_range",
                violation_error_message="There are 1 to 1,000 calls at once.",
            ),
            models.CheckConstraint(
                condition=models.Q(credential="", credential_set_at__isnull=True)
                | (
                    ~models.Q(credential="") & models.Q(credential_set_at__isnull=False)
                ),
                name="provider_credential_dated",
            ),
            models.CheckConstraint(
                condition=models.Q(trouble="", trouble_at__isnull=True)
                | (~models.Q(trouble="") & models.Q(trouble_at__isnull=False)),
                name="provider_trouble_dated",
            ),
        ]
        # What is noted of trouble changes nothing for who embeds.
        triggers = [
            bump_revision("provider_bump_revision", exclude=("trouble", "trouble_at"))
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_credential(self) -> bool:
        """Whether one is set, readable or not."""
        return bool(self.credential)

    @property
    def destination(self) -> tuple[str, str, str]:
        """Whom the credential is shown to: kind, scheme and host of the address."""
        parts = urlsplit(self.url)
        return (self.kind, parts.scheme.lower(), parts.netloc.lower())

    def clean(self) -> None:
        """Raise ValidationError, by field, for an address that may not be asked."""
        super().clean()
        self.name = self.name.strip()
        self.url = self.url.strip()
        problems: dict[str, Any] = {}
        for field, check in (
            ("allowed_hosts", self._clean_hosts),
            ("url", self._check_url),
            ("options", lambda: check_options(self.options)),
        ):
            try:
                check()
            except ValidationError as error:
                problems[field] = error
        if problems:
            raise ValidationError(problems)

    def set_credential(self, secret: str) -> None:
        """Hold a new credential, encrypted; the caller saves.

        Raises ValidationError for one that could not be sent, EncryptionError without
        a key to encrypt it with.
        """
        secret = secret.strip()
        check_credential(secret)
        self.credential = encrypt(secret)
        self.credential_set_at = timezone.now()
        self.forget_trouble()

    def remove_credential(self) -> None:
        """Hold none; the caller saves."""
        self.credential, self.credential_set_at = "", None
        self.forget_trouble()

    def secret(self) -> str:
        """The credential's text, empty where there is none; raises EncryptionError."""
        return decrypt(self.credential) if self.credential else ""

    def forget_trouble(self) -> None:
        """Begin anew after a change; the caller saves."""
        self.trouble, self.trouble_at = "", None

    def _clean_hosts(self) -> None:
        self.allowed_hosts = clean_hosts(self.allowed_hosts)

    def _check_url(self) -> None:
        if self.url:
            check_url(self.url, allowed_hosts=self.allowed_hosts)
        elif needs_url(self.kind):
            raise ValidationError("This kind has no address that is everybody's.")
