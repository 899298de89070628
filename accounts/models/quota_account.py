"""Accounts of quotas: what was used of each kind in each period, and what may be."""

import pgtrigger
from django.db import models

from accounts.models.api_key import ApiKey
from accounts.models.tenant import Tenant

#: The last line: whatever a program thinks, nothing is used beyond a bound.
REFUSE_OVERSHOOT = """
RAISE EXCEPTION 'a quota would be overshot' USING
    ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME,
    CONSTRAINT = 'quota_account_no_overshoot';
"""


class QuotaAccount(models.Model):
    """One period of one kind, of a tenant or one of its keys.

    `used` is what was used and what running requests hold; every kind is counted for
    every tenant, and for a key those that it has a quota of. `cap` is the bound on
    `used`, None without one; `base` of it was used before a pack was bought. Triggers
    write quotas into `cap`, under a lock per tenant that whoever makes accounts takes
    too, so that no account ever has a stale one.
    """

    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    api_key = models.ForeignKey(
        ApiKey, null=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=32)
    quantity = models.CharField(max_length=16)
    is_pack = models.BooleanField(default=False)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField(null=True)
    cap = models.BigIntegerField(null=True)
    base = models.BigIntegerField(default=0)
    used = models.BigIntegerField(default=0)

    class Meta:
        """No index has `used` or `cap`, so that updates stay within a page."""

        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "period_start", "kind", "api_key"],
                name="quota_account_unique",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=models.Q(used__gte=0, base__gte=0),
                name="quota_account_not_negative",
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="quota_account_no_overshoot",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NEW.used > NEW.cap AND NEW.used > OLD.used"
                ),
                func=REFUSE_OVERSHOOT,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} from {self.period_start:%Y-%m-%dT%H:%MZ}"
