"""What a plan grants besides quotas, and a tenant may have otherwise."""

from django.db import models


class ServiceLimits(models.Model):
    """How much service a tenant gets; what is empty is the plan's, then unlimited."""

    weight = models.FloatField(
        null=True,
        blank=True,
        help_text="Share of a busy server beside others' 1.0: 2.0 gets twice as much.",
    )
    max_texts = models.IntegerField(
        null=True, blank=True, verbose_name="texts per request"
    )
    keep_alive_max_s = models.FloatField(
        null=True,
        blank=True,
        verbose_name="longest keep_alive (seconds)",
        help_text="The longest keep_alive that its requests get.",
    )

    class Meta:
        """Positive, where set."""

        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=models.Q(weight__isnull=True)
                | models.Q(weight__gte=0.01, weight__lte=100),
                name="%(class)s_weight_in_range",
                violation_error_message="A weight is between 0.01 and 100.",
            ),
            models.CheckConstraint(
                condition=models.Q(max_texts__isnull=True) | models.Q(max_texts__gte=0),
                name="%(class)s_max_texts_not_negative",
                violation_error_message="A number of texts is 0 or more.",
            ),
            models.CheckConstraint(
                condition=models.Q(keep_alive_max_s__isnull=True)
                | models.Q(keep_alive_max_s__gte=0),
                name="%(class)s_keep_alive_not_negative",
                violation_error_message="Seconds are 0 or more.",
            ),
        ]
