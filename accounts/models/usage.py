"""The ledger: one append-only row per admitted request, partitioned by month."""

from datetime import datetime

import pgtrigger
from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from accounts.latency import BOUNDS_US, BUCKETS
from accounts.models.api_key import ApiKey
from accounts.models.tenant import Tenant


class EventKind(models.IntegerChoices):
    """Why a usage event was written."""

    USAGE = 1, "Usage"
    REPLAY = 2, "Replay"
    CORRECTION = 3, "Correction"


#: A sealed month takes no more events; all others become rows of the outbox.
NOTE_INSERTED = f"""
IF EXISTS (
    SELECT FROM accounts_sealedmonth s JOIN inserted i
    ON i.occurred_at >= s.month::timestamp AT TIME ZONE 'UTC'
    AND i.occurred_at < (s.month + interval '1 month') AT TIME ZONE 'UTC'
) THEN
    RAISE EXCEPTION 'the month of a usage event is sealed'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'usage_event_month_open';
END IF;
INSERT INTO accounts_usagedelta (
    hour, tenant_id, api_key_id, model, requests, failures, replays, refusals,
    texts, tokens, truncated, list_nanos, latency
)
SELECT date_trunc('hour', occurred_at, 'UTC'), tenant_id, api_key_id, model,
    count(*) FILTER (WHERE kind <> 3),
    count(*) FILTER (WHERE kind = 3 OR status >= 400),
    count(*) FILTER (WHERE kind = 2),
    0, sum(texts), sum(tokens), sum(truncated), sum(list_nanos),
    ARRAY[{", ".join(f"count(*) FILTER (WHERE bucket = {n})" for n in range(BUCKETS))}]
FROM (
    SELECT *, CASE WHEN kind <> 3 THEN
        width_bucket(latency_us - 1, ARRAY[{", ".join(map(str, BOUNDS_US))}]::bigint[])
    END AS bucket
    FROM inserted
) AS counted
GROUP BY 1, 2, 3, 4;
RETURN NULL;
"""  # noqa: S608 -- made of constants


class UsageEventQuerySet(models.QuerySet["UsageEvent"]):
    """Usage events; nothing here updates or deletes."""

    def for_tenant(self, tenant: Tenant) -> "UsageEventQuerySet":
        """Those of one tenant."""
        return self.filter(tenant=tenant)

    def between(self, start: datetime, end: datetime) -> "UsageEventQuerySet":
        """Those admitted from `start` on and before `end`."""
        return self.filter(occurred_at__gte=start, occurred_at__lt=end)


class UsageEvent(models.Model):
    """What one admitted request used; holds no text, no vector, no key.

    The table is partitioned by `occurred_at` (the time of admission, which selects
    the billing period) with the primary key (event_id, occurred_at). `event_id` is a
    UUIDv7 made by the process that served, so that writing twice counts once.
    """

    event_id = models.UUIDField(primary_key=True, editable=False)
    occurred_at = models.DateTimeField()
    kind = models.SmallIntegerField(choices=EventKind, default=EventKind.USAGE)
    ref_event = models.UUIDField(null=True, blank=True)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    api_key = models.ForeignKey(
        ApiKey, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    model = models.CharField(max_length=200, help_text="Canonical model name.")
    wire = models.CharField(max_length=32)
    status = models.SmallIntegerField(help_text="HTTP status answered.")
    texts = models.IntegerField()
    tokens = models.BigIntegerField()
    truncated = models.IntegerField(default=0, help_text="Texts that were cut.")
    latency_us = models.BigIntegerField()
    price_id = models.BigIntegerField(null=True, blank=True)
    list_nanos = models.BigIntegerField(
        default=0, help_text="List price in thousand-millionths of the currency."
    )
    is_estimated = models.BooleanField(default=False)

    objects = UsageEventQuerySet.as_manager()

    class Meta:
        """Newest first; see the migration for the table and its partitions."""

        ordering = ["-occurred_at", "-event_id"]
        indexes = [
            # A page of the ledger, newest first; whole partitions are skipped.
            models.Index(
                fields=["occurred_at", "event_id"], name="usage_event_by_time"
            ),
            # The same page for one tenant, and a tenant's month.
            models.Index(
                fields=["tenant", "occurred_at", "event_id"],
                name="usage_event_by_tenant",
            ),
            # What is rare, and looked for: failures, replays, corrections. Its last
            # two fields are compared without a look at the rows.
            models.Index(
                fields=["tenant", "occurred_at", "event_id", "status", "kind"],
                condition=models.Q(status__gte=400)
                | models.Q(kind__gt=EventKind.USAGE),
                name="usage_event_exceptional",
            ),
            # Models and wires that few events have, or none: which parts of the table
            # cannot hold them, in a few bytes each.
            BrinIndex(
                fields=["model", "wire"],
                opclasses=["text_bloom_ops", "text_bloom_ops"],
                autosummarize=True,
                name="usage_event_by_name",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=EventKind.values),
                name="usage_event_kind_known",
            ),
            models.CheckConstraint(
                condition=models.Q(kind=EventKind.CORRECTION, ref_event__isnull=False)
                | (
                    ~models.Q(kind=EventKind.CORRECTION)
                    & models.Q(ref_event__isnull=True)
                ),
                name="usage_event_correction_refers",
            ),
            models.CheckConstraint(
                condition=models.Q(kind=EventKind.CORRECTION)
                | models.Q(
                    texts__gte=0, tokens__gte=0, truncated__gte=0, list_nanos__gte=0
                ),
                name="usage_event_amounts_not_negative",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind=EventKind.REPLAY) | models.Q(tokens=0),
                name="usage_event_replay_is_free",
            ),
            models.CheckConstraint(
                condition=models.Q(latency_us__gte=0),
                name="usage_event_latency_not_negative",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="usage_event_append_only",
                operation=pgtrigger.Update | pgtrigger.Delete,
            ),
            pgtrigger.Trigger(
                name="usage_event_no_truncate",
                level=pgtrigger.Statement,
                when=pgtrigger.Before,
                operation=pgtrigger.Truncate,
                func="RAISE EXCEPTION 'usage events are append-only';",
            ),
            # Once per statement, so that no writer has to remember the outbox.
            pgtrigger.Trigger(
                name="usage_event_outbox",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="inserted"),  # type: ignore[no-untyped-call]
                func=NOTE_INSERTED,
            ),
        ]

    def __str__(self) -> str:
        return str(self.event_id)
