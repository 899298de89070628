"""Tenants: who they are, what they may use, how many keys they hold."""

from typing import Any

from auditlog.registry import auditlog
from django.contrib import admin
from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter, BooleanRadioFilter
from unfold.decorators import action

from accounts.admin.base import PlatformAdmin
from accounts.admin.columns import BAD, GOOD, badge, moment, number
from accounts.admin.plans import LIMITS
from accounts.admin.quotas import QuotaInline
from accounts.admin.standing import TEMPLATE, standing_rows
from accounts.models import Tenant


def _list_of(model: str, tenant_id: str, page: str = "changelist") -> HttpResponse:
    """Lead on to another page of the accounts app, narrowed to one tenant."""
    field = "tenant" if page == "add" else "tenant__id__exact"
    url = reverse(f"admin:accounts_{model}_{page}")
    return HttpResponseRedirect(f"{url}?{field}={int(tenant_id)}")


@admin.register(Tenant)
class TenantAdmin(PlatformAdmin):
    """Tenants are switched off, never deleted: their ledger stands on them."""

    list_display = (
        "slug",
        "name",
        "plan",
        "state",
        "key_count",
        "last_used",
        "created",
    )
    list_filter = (
        ("plan", AutocompleteSelectFilter),
        ("is_active", BooleanRadioFilter),
    )
    list_select_related = ("plan",)
    search_fields = ("slug", "name")
    search_help_text = "Slug or name"
    autocomplete_fields = ("plan",)
    fieldsets = (
        (None, {"fields": ("name", "slug", "is_active", "plan", "created_at")}),
        (
            "Limits",
            {"fields": LIMITS, "description": "What is empty is as in its plan."},
        ),
    )
    inlines: tuple[type[TabularInline], ...] = (QuotaInline,)
    change_form_outer_after_template = TEMPLATE
    readonly_fields = ("created_at",)
    actions = ("activate", "deactivate")
    actions_detail = ("issue_key", "show_keys", "show_usage", "show_ledger")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        """Tenants with their counts, all in one query."""
        now = timezone.now()
        lasting = Q(api_keys__expires_at__isnull=True) | Q(api_keys__expires_at__gt=now)
        live = lasting & Q(api_keys__revoked_at__isnull=True)
        tenants: QuerySet[Tenant] = super().get_queryset(request)
        return tenants.annotate(
            live_keys=Count("api_keys", filter=live),
            last_used_on=Max("api_keys__last_used_on"),
        )

    def get_prepopulated_fields(
        self, request: HttpRequest, obj: Tenant | None = None
    ) -> dict[str, Any]:
        """A new tenant's slug follows the name until it is typed."""
        return {} if obj else {"slug": ("name",)}

    def get_inlines(
        self, request: HttpRequest, obj: Tenant | None = None
    ) -> tuple[type[TabularInline], ...]:
        """What there is to grant, once there is a tenant to grant it to."""
        return self.inlines if obj else ()

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        *args: Any,
        **kwargs: Any,
    ) -> HttpResponse:
        """The form, and how the tenant's quotas stand."""
        if context.get("original") is not None:
            context["standing"] = standing_rows(request, tenant=context["original"])
        page: HttpResponse = super().render_change_form(
            request, context, *args, **kwargs
        )
        return page

    def has_delete_permission(
        self, request: HttpRequest, obj: Tenant | None = None
    ) -> bool:
        """Never."""
        return False

    @admin.display(description="State", ordering="is_active")
    def state(self, tenant: Tenant) -> str:
        """Whether its keys are accepted."""
        return badge("Active", GOOD) if tenant.is_active else badge("Inactive", BAD)

    @admin.display(description="Live keys", ordering="live_keys")
    def key_count(self, tenant: Any) -> str:
        """How many of its keys are neither revoked nor expired."""
        return number(tenant.live_keys)

    @admin.display(description="Last used (UTC)", ordering="last_used_on")
    def last_used(self, tenant: Any) -> str:
        """The last day on which one of its keys was used."""
        return moment(tenant.last_used_on)

    @admin.display(description="Created (UTC)", ordering="created_at")
    def created(self, tenant: Tenant) -> str:
        """When it was made."""
        return moment(tenant.created_at)

    @admin.action(description="Activate: accept their keys", permissions=["change"])
    def activate(self, request: HttpRequest, tenants: QuerySet[Tenant]) -> None:
        """Accept the keys of those chosen."""
        self._switch(request, tenants, is_active=True)

    @admin.action(description="Deactivate: refuse their keys", permissions=["change"])
    def deactivate(self, request: HttpRequest, tenants: QuerySet[Tenant]) -> None:
        """Refuse the keys of those chosen."""
        self._switch(request, tenants, is_active=False)

    def _switch(
        self, request: HttpRequest, tenants: QuerySet[Tenant], *, is_active: bool
    ) -> None:
        """Save one by one, so that the audit log sees each."""
        changed = [tenant for tenant in tenants if tenant.is_active != is_active]
        for tenant in changed:
            tenant.is_active = is_active
            tenant.save(update_fields=["is_active"])
        verb = "activated" if is_active else "deactivated"
        names = ", ".join(tenant.slug for tenant in changed) or "none"
        self.message_user(request, f"Tenants {verb}: {names}.")

    def has_issue_permission(self, request: HttpRequest, _: Any = None) -> bool:
        """Whether the visitor may issue keys."""
        return request.user.has_perm("accounts.add_apikey")

    def has_keys_permission(self, request: HttpRequest, _: Any = None) -> bool:
        """Whether the visitor may see keys."""
        return request.user.has_perm("accounts.view_apikey")

    def has_usage_permission(self, request: HttpRequest, _: Any = None) -> bool:
        """Whether the visitor may see sums of usage."""
        return request.user.has_perm("accounts.view_usagesofar")

    def has_ledger_permission(self, request: HttpRequest, _: Any = None) -> bool:
        """Whether the visitor may see the ledger."""
        return request.user.has_perm("accounts.view_usageevent")

    @action(description="Issue a key", icon="add", permissions=["issue"])  # type: ignore[untyped-decorator]
    def issue_key(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Lead on to a new key for this tenant."""
        return _list_of("apikey", object_id, "add")

    @action(description="API keys", icon="key", permissions=["keys"])  # type: ignore[untyped-decorator]
    def show_keys(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Lead on to this tenant's keys."""
        return _list_of("apikey", object_id)

    @action(description="Usage", icon="bar_chart", permissions=["usage"])  # type: ignore[untyped-decorator]
    def show_usage(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Lead on to what this tenant used, by day."""
        return _list_of("usagesofar", object_id)

    @action(description="Ledger", icon="receipt_long", permissions=["ledger"])  # type: ignore[untyped-decorator]
    def show_ledger(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Lead on to this tenant's events in the ledger."""
        return _list_of("usageevent", object_id)


auditlog.register(Tenant)
