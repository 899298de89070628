"""Usage by the hour, and the outbox that it is made of."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models.api_key import ApiKey
from accounts.models.tenant import Tenant


class UsageSums(models.Model):
    """Sums of usage events of one tenant, key, model and hour (UTC).

    `requests` counts answers, `failures` those with an error status or withheld
    afterwards, `refusals` what was not admitted and is in no ledger. `latency` is a
    histogram by `accounts.latency.BOUNDS_US`.
    """

    hour = models.DateTimeField()
    tenant = models.ForeignKey(
        Tenant,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    api_key = models.ForeignKey(
        ApiKey,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    model = models.CharField(max_length=200)
    requests = models.BigIntegerField(default=0)
    failures = models.BigIntegerField(default=0)
    replays = models.BigIntegerField(default=0)
    refusals = models.BigIntegerField(default=0)
    texts = models.BigIntegerField(default=0)
    tokens = models.BigIntegerField(default=0)
    truncated = models.BigIntegerField(default=0)
    list_nanos = models.BigIntegerField(default=0)
    latency = ArrayField(models.BigIntegerField())

    class Meta:
        """Columns of the tables and of the view on both."""

        abstract = True

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%dT%HZ} {self.model}"


class UsageDelta(UsageSums):
    """The outbox: what a statement added to the ledger, not rolled up yet.

    A trigger on the ledger writes it, in the same transaction.
    """

    class Meta:
        """Taken in the order in which it came."""

        ordering = ["pk"]
        indexes = [
            # What a tenant used lately, while nobody rolls it up.
            models.Index(fields=["tenant", "hour"], name="usage_delta_by_tenant"),
        ]


class UsageHour(UsageSums):
    """Rolled-up usage; one row per hour, tenant, key and model."""

    class Meta:
        """Newest first."""

        ordering = ["-hour", "tenant", "model"]
        constraints = [
            models.UniqueConstraint(
                fields=["hour", "tenant", "api_key", "model"],
                name="usage_hour_unique",
            ),
        ]
        indexes = [
            # A tenant's usage over some days.
            models.Index(fields=["tenant", "hour"], name="usage_hour_by_tenant"),
        ]


class UsageSoFar(UsageSums):
    """A view on both: usage by the hour up to this moment, in rows to be added up."""

    class Meta:
        """The migration makes the view."""

        managed = False
        db_table = "accounts_usagesofar"
        verbose_name = verbose_name_plural = "usage"
