"""Months that are closed: their ledger may not grow any more."""

from django.db import models


class SealedMonth(models.Model):
    """A reconciled month (UTC) with the digest of its ledger.

    The ledger refuses events of a sealed month; its partition may be dropped.
    """

    month = models.DateField(primary_key=True, help_text="Its first day.")
    digest = models.CharField(
        max_length=64, help_text="SHA-256 of the ledger's canonical rows."
    )
    events = models.BigIntegerField()
    tokens = models.BigIntegerField()
    list_nanos = models.BigIntegerField()
    sealed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """A month begins on its first day."""

        ordering = ["-month"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(month__day=1), name="sealed_month_begins_it"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"
