"""List prices."""

from django.db import models

from accounts.models.revision import bump_revision


class Price(models.Model):
    """What a model's tokens and requests cost from a moment on, by the list.

    A price of no model is for every model without one of its own. Rows are never
    changed once they took effect: a new price is a new row.
    """

    model = models.CharField(
        max_length=200, blank=True, help_text="Canonical name; empty: every other."
    )
    per_million_tokens = models.DecimalField(
        max_digits=18, decimal_places=9, default=0, help_text="In the list's currency."
    )
    per_request = models.DecimalField(max_digits=18, decimal_places=9, default=0)
    effective_from = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """One price at a time."""

        ordering = ["model", "-effective_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "effective_from"],
                name="price_unique",
                violation_error_message="There is a price from that moment on.",
            ),
            models.CheckConstraint(
                condition=models.Q(per_million_tokens__gte=0, per_request__gte=0),
                name="price_not_negative",
                violation_error_message="A price is 0 or more.",
            ),
        ]
        triggers = [bump_revision("price_bump_revision")]

    def __str__(self) -> str:
        return (
            f"{self.model or 'every other model'} from {self.effective_from:%Y-%m-%d}"
        )
