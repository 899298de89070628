"""API keys: issued, shown once, narrowed and revoked; never deleted."""

from typing import Any
from urllib.parse import urlencode

from auditlog.registry import auditlog
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import action
from unfold.enums import ActionVariant

from accounts.admin import shown_once
from accounts.admin.api_key_form import (
    ACTIVE,
    EXPIRED,
    OFF,
    REVOKED,
    ApiKeyForm,
    StateFilter,
)
from accounts.admin.base import PlatformAdmin
from accounts.admin.columns import BAD, GOOD, STALE, badge, code, moment
from accounts.admin.quotas import QuotaInline
from accounts.admin.standing import TEMPLATE, standing_rows
from accounts.models import ApiKey


@admin.register(ApiKey)
class ApiKeyAdmin(PlatformAdmin):
    """Keys by tenant; a secret appears on one page after issuing and nowhere else."""

    form = ApiKeyForm
    list_display = (
        "name",
        "tenant",
        "shown",
        "state",
        "may",
        "models",
        "expires",
        "last_used",
    )
    list_filter = (("tenant", AutocompleteSelectFilter), StateFilter)
    list_select_related = ("tenant",)
    search_fields = ("name", "prefix__startswith", "last4__exact", "tenant__slug")
    search_help_text = "Name, tenant, or the key as shown"
    autocomplete_fields = ("tenant",)
    actions = ("revoke_selected",)
    actions_detail = ("revoke", "show_usage")
    readonly_fields = ("shown", "state", "revoked", "last_used", "created")
    add_fieldsets = (
        (None, {"fields": ("tenant", "name")}),
        ("What it may do", {"fields": ("scopes", "model_names", "expires_at")}),
    )
    fieldsets = (
        (None, {"fields": ("tenant", "name", "shown", "state")}),
        ("What it may do", {"fields": ("scopes", "model_names", "expires_at")}),
        ("History", {"fields": (("created", "last_used", "revoked"),)}),
    )
    inlines = (QuotaInline,)
    change_form_outer_after_template = TEMPLATE

    def get_readonly_fields(
        self, request: HttpRequest, obj: ApiKey | None = None
    ) -> tuple[str, ...]:
        """A key never changes hands."""
        return (*self.readonly_fields, "tenant") if obj else self.readonly_fields

    def get_inlines(
        self, request: HttpRequest, obj: ApiKey | None = None
    ) -> tuple[type[TabularInline], ...]:
        """Its quotas, once it is issued."""
        return self.inlines if obj else ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ApiKey], search_term: str
    ) -> tuple[QuerySet[ApiKey], bool]:
        """Also find a key by the form in which lists show it, `emb_live_abcd…wxyz`."""
        words = search_term.replace("…", " ").replace("...", " ")
        keys, may_repeat = super().get_search_results(request, queryset, words)
        return keys, may_repeat

    def has_delete_permission(
        self, request: HttpRequest, obj: ApiKey | None = None
    ) -> bool:
        """Never: a revoked key stays, for the ledger's sake."""
        return False

    @admin.display(description="Key")
    def shown(self, api_key: ApiKey) -> str:
        """Its findable ends."""
        return code(f"{api_key.prefix}…{api_key.last4}")

    @admin.display(description="State")
    def state(self, api_key: ApiKey) -> str:
        """Whether it is accepted now, and if not, why."""
        if api_key.revoked_at is not None:
            return badge(REVOKED, BAD)
        if not api_key.is_active:
            return badge(EXPIRED, STALE)
        return badge(ACTIVE, GOOD) if api_key.tenant.is_active else badge(OFF, STALE)

    @admin.display(description="May")
    def may(self, api_key: ApiKey) -> str:
        """Its scopes."""
        return ", ".join(api_key.scopes)

    @admin.display(description="Models")
    def models(self, api_key: ApiKey) -> str:
        """The models it is held to."""
        return ", ".join(api_key.model_names) or "all"

    @admin.display(description="Expires (UTC)", ordering="expires_at")
    def expires(self, api_key: ApiKey) -> str:
        """When it stops working by itself."""
        return moment(api_key.expires_at)

    @admin.display(description="Last used (UTC)", ordering="last_used_on")
    def last_used(self, api_key: ApiKey) -> str:
        """The last day on which it was used."""
        return moment(api_key.last_used_on)

    @admin.display(description="Created (UTC)", ordering="created_at")
    def created(self, api_key: ApiKey) -> str:
        """When it was issued."""
        return moment(api_key.created_at)

    @admin.display(description="Revoked (UTC)")
    def revoked(self, api_key: ApiKey) -> str:
        """When it was revoked."""
        return moment(api_key.revoked_at)

    def get_urls(self) -> list[URLPattern]:
        """The model's pages and the one that shows a new secret."""
        shown = self.admin_site.admin_view(self.show_secret)
        name = "accounts_apikey_secret"
        return [path("<int:object_id>/secret/", shown, name=name), *super().get_urls()]

    def save_model(
        self,
        request: HttpRequest,
        obj: Any,
        form: "ModelForm[ApiKey]",
        change: bool,  # noqa: FBT001 -- the admin passes it by position.
    ) -> None:
        """Save a key; a new one is issued and its secret put aside for one page."""
        if change:
            super().save_model(request, obj, form, change)
            return
        issued = ApiKey.objects.issue(**form.cleaned_data)
        # The form's own instance was never saved: it becomes the row that was issued.
        obj.pk = issued.api_key.pk
        obj.refresh_from_db()
        obj.secret_token = shown_once.seal(request.session, issued.secret)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Lead on to the page that shows the secret."""
        page = reverse("admin:accounts_apikey_secret", args=[obj.pk])
        query = urlencode({"token": obj.secret_token})
        return HttpResponseRedirect(f"{page}?{query}")

    def show_secret(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The page with a new key's secret, and without it on every later visit."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        api_key = get_object_or_404(self.get_queryset(request), pk=object_id)
        secret = shown_once.unseal(request.session, request.GET.get("token", ""))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Key for {api_key.tenant}: {api_key.name}",
            "opts": self.model._meta,
            "api_key": api_key,
            "secret": secret,
            "may_change": self.has_change_permission(request, api_key),
        }
        return TemplateResponse(request, "admin/accounts/apikey/secret.html", context)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], **kwargs: Any
    ) -> HttpResponse:
        """The form; adding another at once would skip the page with the secret."""
        if kwargs.get("add"):
            context["show_save_and_add_another"] = False
            context["show_save_and_continue"] = False
        elif (api_key := context.get("original")) is not None:
            context["standing"] = standing_rows(
                request, tenant=api_key.tenant, api_key=api_key
            )
        page: HttpResponse = super().render_change_form(request, context, **kwargs)
        return page

    @admin.action(description="Revoke for good", permissions=["change"])
    def revoke_selected(
        self, request: HttpRequest, api_keys: QuerySet[ApiKey]
    ) -> HttpResponse | None:
        """Revoke the keys chosen, once that is confirmed on a page of its own."""
        live = api_keys.filter(revoked_at__isnull=True).select_related("tenant")
        if "confirmed" not in request.POST:
            return self._confirm_revocation(request, live)
        for api_key in live:
            api_key.revoke()
            self.log_change(request, api_key, "Revoked.")
        count = len(live)
        plural = "key" if count == 1 else "keys"
        self.message_user(request, f"{count} {plural} revoked.", messages.SUCCESS)
        return None

    @action(  # type: ignore[untyped-decorator]
        description="Revoke",
        icon="block",
        variant=ActionVariant.DANGER,
        permissions=["change"],
    )
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The page that asks before this key is revoked; it changes nothing itself."""
        chosen = self.get_queryset(request).filter(pk=object_id)
        return self._confirm_revocation(request, chosen)

    def _confirm_revocation(
        self, request: HttpRequest, api_keys: QuerySet[ApiKey]
    ) -> HttpResponse:
        """Ask, and post the answer to the list's action."""
        context = {
            **self.admin_site.each_context(request),
            "title": "Revoke API keys",
            "opts": self.model._meta,
            "api_keys": api_keys,
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
            "list_url": reverse("admin:accounts_apikey_changelist"),
        }
        return TemplateResponse(request, "admin/accounts/apikey/revoke.html", context)

    def has_usage_permission(self, request: HttpRequest, _: Any = None) -> bool:
        """Whether the visitor may see the ledger."""
        return request.user.has_perm("accounts.view_usageevent")

    @action(description="Usage", icon="receipt_long", permissions=["usage"])  # type: ignore[untyped-decorator]
    def show_usage(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Lead on to what was used with this key."""
        page = reverse("admin:accounts_usageevent_changelist")
        query = urlencode({"api_key__id__exact": object_id})
        return HttpResponseRedirect(f"{page}?{query}")


auditlog.register(ApiKey, exclude_fields=["digest", "last_used_on"])
