"""Plans: what tenants are granted alike."""

from typing import Any

from auditlog.registry import auditlog
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from accounts.admin.base import PlatformAdmin
from accounts.admin.columns import moment, number
from accounts.admin.quotas import QuotaInline, written
from accounts.models import Plan

LIMITS = ("weight", "max_texts", "keep_alive_max_s")


@admin.register(Plan)
class PlanAdmin(PlatformAdmin):
    """A plan that has tenants stays; what it grants may change."""

    list_display = (
        "name",
        "tenant_count",
        "grants",
        "share",
        "text_limit",
        "created",
    )
    search_fields = ("name",)
    search_help_text = "Name"
    fieldsets = ((None, {"fields": ("name",)}), ("Limits", {"fields": LIMITS}))
    inlines = (QuotaInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Plan]:
        """Plans with their quotas, and how many tenants have them."""
        plans: QuerySet[Plan] = super().get_queryset(request)
        return plans.prefetch_related("quotas").annotate(holders=Count("tenants"))

    @admin.display(description="Tenants", ordering="holders")
    def tenant_count(self, plan: Any) -> str:
        """How many have it."""
        return number(plan.holders)

    @admin.display(description="Quotas")
    def grants(self, plan: Plan) -> str:
        """Its quotas."""
        quotas = [f"{quota.kind} {written(quota)}" for quota in plan.quotas.all()]
        return ", ".join(quotas) or "none"

    @admin.display(description="Weight", ordering="weight")
    def share(self, plan: Plan) -> str:
        """The share of a busy server that its tenants get."""
        return "" if plan.weight is None else f"{plan.weight:g}"

    @admin.display(description="Texts per request", ordering="max_texts")
    def text_limit(self, plan: Plan) -> str:
        """The most texts in one request."""
        return "" if plan.max_texts is None else number(plan.max_texts)

    @admin.display(description="Created (UTC)", ordering="created_at")
    def created(self, plan: Plan) -> str:
        """When it was made."""
        return moment(plan.created_at)


auditlog.register(Plan)
