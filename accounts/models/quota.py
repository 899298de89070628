"""Quotas: how much of a kind a plan's tenants, a tenant, or a key may use."""

from typing import Any

import pgtrigger
from django.core.exceptions import ValidationError
from django.db import models

from accounts.models.api_key import ApiKey
from accounts.models.plan import Plan
from accounts.models.revision import bump_revision
from accounts.models.tenant import Tenant
from accounts.quotas import BY_CODE, kind_choices

#: Carries a quota into the accounts that count now, in the transaction that sets it.
RECAP = """
IF TG_OP = 'INSERT' THEN was = NEW; ELSE was = OLD; END IF;
IF TG_OP = 'DELETE' THEN will_be = OLD; ELSE will_be = NEW; END IF;
PERFORM accounts_recap(ARRAY(
    SELECT id FROM accounts_tenant
    WHERE plan_id IN (was.plan_id, will_be.plan_id)
        OR id IN (was.tenant_id, will_be.tenant_id)
    UNION SELECT tenant_id FROM accounts_apikey
    WHERE id IN (was.api_key_id, will_be.api_key_id)
));
RETURN NULL;
"""


def _one_holder() -> models.Q:
    names = ("plan", "tenant", "api_key")
    either = models.Q()
    for holder in names:
        either |= models.Q(**{f"{name}__isnull": name != holder for name in names})
    return either


class Quota(models.Model):
    """An allowance of one kind for the tenants of a plan, a tenant, or a key.

    A tenant's own replaces its plan's of the same kind; a key's binds besides. 0
    refuses, and where there is none, there is no bound.
    """

    plan = models.ForeignKey(
        Plan, null=True, blank=True, on_delete=models.CASCADE, related_name="quotas"
    )
    tenant = models.ForeignKey(
        Tenant, null=True, blank=True, on_delete=models.CASCADE, related_name="quotas"
    )
    api_key = models.ForeignKey(
        ApiKey, null=True, blank=True, on_delete=models.CASCADE, related_name="quotas"
    )
    kind = models.CharField(max_length=32, choices=kind_choices)
    amount = models.BigIntegerField(
        help_text="0 refuses. Money is in thousand-millionths of the currency."
    )

    class Meta:
        """One quota of a kind for one holder."""

        ordering = ["plan", "tenant", "api_key", "kind"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(amount__gte=0),
                name="quota_not_negative",
                violation_error_message="A quota is 0 or more.",
            ),
            models.CheckConstraint(
                condition=_one_holder(),
                name="quota_has_one_holder",
                violation_error_message="A quota is of a plan, a tenant, or a key.",
            ),
            models.UniqueConstraint(
                fields=["plan", "tenant", "api_key", "kind"],
                name="quota_unique",
                nulls_distinct=False,
                violation_error_message="There is a quota of this kind.",
            ),
        ]
        triggers = [
            bump_revision("quota_bump_revision"),
            pgtrigger.Trigger(
                name="quota_recap",
                level=pgtrigger.Row,
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                timing=pgtrigger.Deferred,
                declare=[("was", "accounts_quota"), ("will_be", "accounts_quota")],
                func=RECAP,
            ),
        ]

    def __str__(self) -> str:
        holder = self.plan or self.tenant or self.api_key
        return f"{holder}: {self.kind}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Raises ValidationError for a kind that nothing counts."""
        if self.kind not in BY_CODE:
            raise ValidationError({"kind": "There is no such kind of quota."})
        super().save(*args, **kwargs)
