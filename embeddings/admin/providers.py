"""Providers in the admin: who they are, how they do, and what they offer."""

from typing import Any
from urllib.parse import urlencode

from auditlog.registry import auditlog
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter

from accounts.admin.base import PlatformAdmin
from accounts.admin.columns import BAD, GOOD, NOTE, PLAIN, badge, moment, number
from embeddings.admin.provider_form import SECRET_FIELD, ProviderForm
from embeddings.catalog.vendor_models import VendorModel, models_of
from embeddings.models import EmbeddingModel, Provider
from embeddings.trial import try_provider

#: What a provider's page shows below the form.
TEMPLATE = "admin/embeddings/provider_models.html"


@admin.register(Provider)
class ProviderAdmin(PlatformAdmin):
    """Whose models are served besides our own."""

    form = ProviderForm
    list_display = (
        "name",
        "state",
        "kind",
        "place",
        "key",
        "model_count",
        "refused",
        "created",
    )
    list_filter = (
        ("is_enabled", BooleanRadioFilter),
        ("kind", ChoicesDropdownFilter),
    )
    search_fields = ("name", "url")
    search_help_text = "Name or address"
    readonly_fields = ("standing", "created_at")
    actions = ("enable", "disable", "try_chosen")
    change_form_outer_after_template = TEMPLATE

    def get_fieldsets(
        self, request: HttpRequest, obj: Provider | None = None
    ) -> list[tuple[str | None, Any]]:
        """All of it; a credential is for those who may change it."""
        secret = (
            [("Credential", {"fields": (SECRET_FIELD, "remove_credential")})]
            if obj is None or self.has_change_permission(request, obj)
            else []
        )
        named = ("name", "kind", "url", "is_enabled")
        return [
            (None, {"fields": ("standing", *named) if obj else named}),
            *secret,
            ("Calls", {"fields": (("timeout_s", "attempts", "concurrency"),)}),
            ("Particulars", {"fields": ("options", "allowed_hosts")}),
            *([("History", {"fields": ("created_at",)})] if obj else []),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Provider]:
        """Providers with how many models they have, in one query."""
        providers: QuerySet[Provider] = super().get_queryset(request)
        return providers.annotate(offers=Count("models"))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Any but the credential's column: lists filtered by it would spell it out."""
        is_secret = lookup.partition("__")[0] == "credential"
        return not is_secret and super().lookup_allowed(lookup, value, request)

    def get_urls(self) -> list[URLPattern]:
        """The pages, and what the button sends."""
        urls: list[URLPattern] = super().get_urls()
        test = path(
            "<int:provider_id>/test/",
            self.admin_site.admin_view(self.test),
            name="embeddings_provider_test",
        )
        return [test, *urls]

    @method_decorator(sensitive_post_parameters(SECRET_FIELD))
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """The form, whose secret no report of an error repeats."""
        return super().changeform_view(request, *args, **kwargs)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """The form, and the provider's models."""
        provider = context.get("original")
        if provider is not None:
            context |= _models_of(request, provider)
        page: HttpResponse = super().render_change_form(
            request, context, *args, **kwargs
        )
        return page

    def test(self, request: HttpRequest, provider_id: int) -> HttpResponse:
        """Embed a word with each of its models, and say what came of it."""
        provider = get_object_or_404(Provider, pk=provider_id)
        may_test = self.has_change_permission(request, provider)
        if request.method != "POST" or not may_test:
            raise PermissionDenied
        self._tell(request, provider)
        return HttpResponseRedirect(
            reverse("admin:embeddings_provider_change", args=[provider_id])
        )

    @admin.display(description="State")
    def standing(self, provider: Provider) -> str:
        """How it does, in words."""
        if provider.trouble_at is None:
            return self.state(provider)
        return f"{moment(provider.trouble_at)} UTC: {provider.trouble}"

    @admin.display(description="State", ordering="is_enabled")
    def state(self, provider: Provider) -> str:
        """Whether it is asked, and whether it answers."""
        if not provider.is_enabled:
            return badge("Disabled", PLAIN)
        if provider.trouble_at is not None:
            return badge("Refuses", BAD)
        return badge("Enabled", GOOD)

    @admin.display(description="Address", ordering="url")
    def place(self, provider: Provider) -> str:
        """Where it answers."""
        return provider.url or "the vendor's own"

    @admin.display(description="Credential (UTC)", ordering="credential_set_at")
    def key(self, provider: Provider) -> str:
        """Since when there is one."""
        return moment(provider.credential_set_at, otherwise="none")

    @admin.display(description="Models", ordering="offers")
    def model_count(self, provider: Any) -> str:
        """How many rows of the catalog are its."""
        return number(provider.offers)

    @admin.display(description="Last refusal (UTC)", ordering="trouble_at")
    def refused(self, provider: Provider) -> str:
        """What it last said."""
        if provider.trouble_at is None:
            return ""
        return f"{moment(provider.trouble_at)}: {provider.trouble}"

    @admin.display(description="Created (UTC)", ordering="created_at")
    def created(self, provider: Provider) -> str:
        """When it was made."""
        return moment(provider.created_at)

    @admin.action(description="Enable: ask them", permissions=["change"])
    def enable(self, request: HttpRequest, providers: QuerySet[Provider]) -> None:
        """Ask those chosen."""
        self._switch(request, providers, is_enabled=True)

    @admin.action(description="Disable: do not ask them", permissions=["change"])
    def disable(self, request: HttpRequest, providers: QuerySet[Provider]) -> None:
        """Ask those chosen no more; their models are unavailable."""
        self._switch(request, providers, is_enabled=False)

    @admin.action(description="Test: embed one word", permissions=["change"])
    def try_chosen(self, request: HttpRequest, providers: QuerySet[Provider]) -> None:
        """Embed a word with each model of those chosen."""
        for provider in providers:
            self._tell(request, provider)

    def _tell(self, request: HttpRequest, provider: Provider) -> None:
        """Say what came of a trial."""
        outcomes = try_provider(provider)
        for outcome in outcomes:
            say = messages.success if outcome.is_well else messages.error
            say(request, f"{outcome.model}: {outcome.text}")
        if not outcomes:
            messages.warning(request, f"{provider} has no model in the catalog.")

    def _switch(
        self, request: HttpRequest, providers: QuerySet[Provider], *, is_enabled: bool
    ) -> None:
        """Save one by one, so that the audit log sees each."""
        changed = [one for one in providers if one.is_enabled != is_enabled]
        for provider in changed:
            provider.is_enabled = is_enabled
            provider.save(update_fields=["is_enabled"])
        verb = "enabled" if is_enabled else "disabled"
        names = ", ".join(provider.name for provider in changed) or "none"
        self.message_user(request, f"Providers {verb}: {names}.")


def _models_of(request: HttpRequest, provider: Provider) -> dict[str, Any]:
    """The provider's models in the catalog, and those that could be added."""
    if not request.user.has_perm("embeddings.view_embeddingmodel"):
        return {"may_see_models": False}
    rows = list(EmbeddingModel.objects.filter(provider=provider))
    there = {row.source for row in rows}
    may_add = request.user.has_perm("embeddings.add_embeddingmodel")
    return {
        "may_see_models": True,
        "may_test": request.user.has_perm("embeddings.change_provider"),
        "models": [(row, _state(row)) for row in rows],
        "add_url": _add_url(provider) if may_add else "",
        "well_known": [
            (known, _add_url(provider, known))
            for known in models_of(provider.kind)
            if may_add and known.name not in there
        ],
    }


def _state(model: EmbeddingModel) -> str:
    return badge("Enabled", GOOD) if model.is_enabled else badge("Disabled", NOTE)


def _add_url(provider: Provider, known: VendorModel | None = None) -> str:
    """The catalog's form, with what is known filled in."""
    fields = {"provider": str(provider.pk), "owner": provider.name}
    if known is not None:
        fields |= {
            "name": known.name,
            "source": known.name,
            "dimensions": str(known.dimensions),
            "matryoshka_min": str(known.matryoshka_min or ""),
            "max_tokens": str(known.max_tokens),
        }
    return f"{reverse('admin:embeddings_embeddingmodel_add')}?{urlencode(fields)}"


# The credential's column is left out; when it was set tells that it changed. Trouble is
# the platform's own note.
auditlog.register(Provider, exclude_fields=["credential", "trouble", "trouble_at"])
