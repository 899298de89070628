"""The lives of processes that serve, and what their running requests hold."""

from django.db import models

from accounts.models.quota_account import QuotaAccount


class Incarnation(models.Model):
    """One life of a process's metering, from its first reservation to its end.

    `round` counts its transactions: each raises it by one, so that after a lost
    connection it tells whether the last was committed, and one that was declared dead
    (`ended_at`) writes no more.
    """

    id = models.UUIDField(primary_key=True)
    host = models.CharField(max_length=255)
    pid = models.IntegerField()
    machine = models.CharField(
        max_length=100,
        default="",
        db_default="",
        help_text="Where process ids mean the same; empty: not known.",
    )
    round = models.BigIntegerField(default=0)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        """Newest first; the living are few and found by an index."""

        ordering = ["-started_at"]
        indexes = [
            models.Index(
                fields=["seen_at"],
                name="incarnation_living",
                condition=models.Q(ended_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"


class InFlight(models.Model):
    """What the running requests of an incarnation hold of an account's `used`."""

    incarnation = models.ForeignKey(
        Incarnation, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    account = models.ForeignKey(
        QuotaAccount, on_delete=models.CASCADE, related_name="+"
    )
    amount = models.BigIntegerField()

    class Meta:
        """One row for each; below zero something was given back twice."""

        constraints = [
            models.UniqueConstraint(
                fields=["incarnation", "account"], name="in_flight_unique"
            ),
            models.CheckConstraint(
                condition=models.Q(amount__gte=0), name="in_flight_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return str(self.amount)
