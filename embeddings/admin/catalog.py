"""The model catalog and its grants; a tenant's page shows what it may use."""

from functools import partial
from typing import Any

from auditlog.registry import auditlog
from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import Count, Field, QuerySet
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    BooleanRadioFilter,
    ChoicesDropdownFilter,
    RelatedDropdownFilter,
)
from unfold.contrib.forms.widgets import ArrayWidget
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.admin.base import PlatformAdmin
from accounts.admin.columns import BAD, GOOD, NOTE, badge, moment, number
from accounts.admin.tenants import TenantAdmin
from accounts.models import Tenant
from embeddings import tasks
from embeddings.admin import downloads
from embeddings.admin.catalog_form import EmbeddingModelForm, SourceInput
from embeddings.engine.families import all_families
from embeddings.engine.machine import supported_precisions
from embeddings.models import EmbeddingModel, ModelAlias, ModelGrant

#: A provider's model, on its page.
REMOTE_FIELDSETS: tuple[tuple[str | None, Any], ...] = (
    (None, {"fields": ("name", "provider", "source", ("owner", "is_enabled"))}),
    (
        "Vectors",
        {"fields": (("dimensions", "matryoshka_min"), "matryoshka_sizes")},
    ),
    ("Texts", {"fields": (("max_tokens", "over_length"),)}),
    ("Prompts", {"fields": ("prompts", "instruction_template")}),
    ("History", {"fields": ("created_at",)}),
)


class ModelAliasInline(TabularInline):
    """Further names of a model, on its page."""

    model = ModelAlias
    fields = ("name",)
    extra = 0
    hide_title = True


class ModelGrantInline(TabularInline):
    """What a tenant may use, on the tenant's page."""

    model = ModelGrant
    fields = ("model", "alias", "is_default")
    autocomplete_fields = ("model",)
    extra = 0
    hide_title = True


@admin.register(EmbeddingModel)
class EmbeddingModelAdmin(PlatformAdmin):
    """The catalog: what can be served, and under which names."""

    form = EmbeddingModelForm
    list_display = (
        "name",
        "state",
        "weights",
        "output",
        "size",
        "longest",
        "kind",
        "alias_count",
        "grant_count",
        "created",
    )
    list_filter = (
        ("is_enabled", BooleanRadioFilter),
        ("output", ChoicesDropdownFilter),
        ("provider", RelatedDropdownFilter),
    )
    search_fields = ("name", "aliases__name", "source")
    search_help_text = "Name, alias or source"
    inlines = (ModelAliasInline,)
    actions = ("enable", "disable", "download")
    readonly_fields = ("fingerprint", "created_at")
    fieldsets = (
        (None, {"fields": ("name", "provider", "source", ("owner", "is_enabled"))}),
        (
            "Vectors",
            {
                "fields": (
                    ("family", "output"),
                    ("precision", "route"),
                    ("dimensions", "matryoshka_min"),
                    "matryoshka_sizes",
                )
            },
        ),
        ("Texts", {"fields": (("max_tokens", "over_length"),)}),
        (
            "Prompts",
            {"fields": ("prompts", "instruction_template", "include_prompt")},
        ),
        ("History", {"fields": (("created_at", "fingerprint"),)}),
    )

    def formfield_for_dbfield(
        self, db_field: "Field[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        """The form's field; sizes are entered one by one."""
        if db_field.name == "matryoshka_sizes":
            kwargs["widget"] = ArrayWidget()
        if db_field.name == "source":
            kwargs["widget"] = SourceInput()
        # Not the model's choices, which every command would import torch to check.
        if db_field.name == "family":
            names = [(family.name, family.name) for family in all_families()]
            return forms.ChoiceField(choices=names, widget=UnfoldAdminSelectWidget)
        if db_field.name == "precision":
            names = [(name, name) for name in supported_precisions()]
            return forms.ChoiceField(choices=names, widget=UnfoldAdminSelectWidget)
        field: forms.Field | None = super().formfield_for_dbfield(
            db_field, request, **kwargs
        )
        return field

    def get_queryset(self, request: HttpRequest) -> QuerySet[EmbeddingModel]:
        """Models with their counts, in one query."""
        models: QuerySet[EmbeddingModel] = super().get_queryset(request)
        rows = models.select_related("provider").prefetch_related("downloads")
        return rows.annotate(
            names=Count("aliases", distinct=True),
            holders=Count("grants__tenant", distinct=True),
        )

    def get_readonly_fields(
        self, request: HttpRequest, obj: EmbeddingModel | None = None
    ) -> tuple[str, ...]:
        """The name stays: usage is billed under it, and aliases give others."""
        return (*self.readonly_fields, "name") if obj else self.readonly_fields

    def get_fieldsets(
        self, request: HttpRequest, obj: EmbeddingModel | None = None
    ) -> tuple[tuple[str | None, Any], ...]:
        """What the model has: a provider's has no files here."""
        is_remote = obj.provider_id is not None if obj else "provider" in request.GET
        return REMOTE_FIELDSETS if is_remote else self.fieldsets

    @admin.display(description="Made by", ordering="family")
    def kind(self, model: EmbeddingModel) -> str:
        """The family of its files, or whose model it is."""
        return model.family if model.provider is None else str(model.provider)

    @admin.display(description="State", ordering="is_enabled")
    def state(self, model: EmbeddingModel) -> str:
        """Whether it is offered."""
        return badge("Enabled", GOOD) if model.is_enabled else badge("Disabled", BAD)

    @admin.display(description="Weights")
    def weights(self, model: EmbeddingModel) -> str:
        """Whether its files are on this machine."""
        return downloads.weights(model) if model.provider is None else ""

    @admin.display(description="Dimensions", ordering="dimensions")
    def size(self, model: EmbeddingModel) -> str:
        """The length of its vectors."""
        return number(model.dimensions)

    @admin.display(description="Max tokens", ordering="max_tokens")
    def longest(self, model: EmbeddingModel) -> str:
        """How many tokens a text may have."""
        return number(model.max_tokens)

    @admin.display(description="Aliases", ordering="names")
    def alias_count(self, model: Any) -> str:
        """How many further names it has."""
        return number(model.names)

    @admin.display(description="Tenants", ordering="holders")
    def grant_count(self, model: Any) -> str:
        """How many tenants may use it."""
        return number(model.holders)

    @admin.display(description="Created (UTC)", ordering="created_at")
    def created(self, model: EmbeddingModel) -> str:
        """When it was registered."""
        return moment(model.created_at)

    @admin.action(description="Enable: offer them", permissions=["change"])
    def enable(self, request: HttpRequest, models: QuerySet[EmbeddingModel]) -> None:
        """Offer those chosen."""
        self._switch(request, models, is_enabled=True)

    @admin.action(description="Disable: withdraw them", permissions=["change"])
    def disable(self, request: HttpRequest, models: QuerySet[EmbeddingModel]) -> None:
        """Withdraw those chosen from everyone."""
        self._switch(request, models, is_enabled=False)

    @admin.action(description="Download: fetch the weights", permissions=["change"])
    def download(self, request: HttpRequest, models: QuerySet[EmbeddingModel]) -> None:
        """Let a background worker fetch those chosen that come from the hub."""
        wanted = [
            model
            for model in models
            if model.provider is None and not model.source.startswith("/")
        ]
        for model in wanted:
            transaction.on_commit(partial(tasks.pull_model.delay, model.pk))
        names = ", ".join(model.name for model in wanted) or "none"
        self.message_user(request, f"Downloads asked for: {names}.")

    def _switch(
        self,
        request: HttpRequest,
        models: QuerySet[EmbeddingModel],
        *,
        is_enabled: bool,
    ) -> None:
        """Save one by one, so that the audit log sees each."""
        changed = [model for model in models if model.is_enabled != is_enabled]
        for model in changed:
            model.is_enabled = is_enabled
            model.save(update_fields=["is_enabled"])
        verb = "enabled" if is_enabled else "disabled"
        names = ", ".join(model.name for model in changed) or "none"
        self.message_user(request, f"Models {verb}: {names}.")


@admin.register(ModelGrant)
class ModelGrantAdmin(PlatformAdmin):
    """Who may use what."""

    list_display = ("tenant", "model", "alias", "standing", "created")
    list_filter = (
        ("tenant", AutocompleteSelectFilter),
        ("model", AutocompleteSelectFilter),
    )
    list_select_related = ("tenant", "model")
    search_fields = ("tenant__slug", "model__name", "alias")
    search_help_text = "Tenant, model or alias"
    autocomplete_fields = ("tenant", "model")
    fields = ("tenant", "model", "alias", "is_default")

    @admin.display(description="Default", ordering="is_default")
    def standing(self, grant: ModelGrant) -> str:
        """Whether it answers wires that name no model."""
        return badge("Default", NOTE) if grant.is_default else ""

    @admin.display(description="Granted (UTC)", ordering="created_at")
    def created(self, grant: ModelGrant) -> str:
        """When it was granted."""
        return moment(grant.created_at)


admin.site.unregister(Tenant)


@admin.register(Tenant)
class GrantedTenantAdmin(TenantAdmin):
    """A tenant's page together with its grants, which accounts knows nothing of."""

    inlines = (ModelGrantInline, *TenantAdmin.inlines)


for _model in (EmbeddingModel, ModelAlias, ModelGrant):
    auditlog.register(_model)
