"""What the platform's admin lists have in common."""

from typing import Any

from django import forms
from django.contrib.admin import ShowFacets
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator
from unfold.views import ChangeList


class PlatformChangeList(ChangeList):
    """A list to which filters left blank are filters not set."""

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str | None] | None = None
    ) -> models.QuerySet[Any]:
        """The rows that match; forgets blank parameters first."""
        blank = [name for name, values in self.filter_params.items() if not any(values)]
        for name in blank:
            del self.filter_params[name]
        rows: models.QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        return rows


class PlatformAdmin(ModelAdmin):
    """Defaults of every page: the model's name as title, no needless counts."""

    list_title = ""
    list_per_page = 50
    list_filter_submit = True
    show_facets = ShowFacets.NEVER

    def formfield_for_dbfield(
        self, db_field: "models.Field[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        """The form's field; a switch is called "Active", not "Is active"."""
        field: forms.Field | None = super().formfield_for_dbfield(
            db_field, request, **kwargs
        )
        if field is not None and db_field.name.startswith("is_"):
            field.label = db_field.name.removeprefix("is_").capitalize()
        return field

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list's class."""
        return PlatformChangeList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, under its title or the plural name of what it shows."""
        title = self.list_title or capfirst(self.model._meta.verbose_name_plural)
        context = {"title": title, "subtitle": None} | (extra_context or {})
        response: HttpResponse = super().changelist_view(request, context)
        return response


class ReadOnlyAdmin(PlatformAdmin):
    """Pages that nobody can change, superusers included."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """One row; without the link to a history that cannot be."""
        context = {"show_history": False} | (extra_context or {})
        response: HttpResponse = super().changeform_view(
            request, object_id, form_url, context
        )
        return response

    def has_add_permission(
        self,
        request: HttpRequest,
        obj: models.Model | None = None,
    ) -> bool:
        """Never."""
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: models.Model | None = None
    ) -> bool:
        """Never."""
        return False

    def has_delete_permission(
        self, request: HttpRequest, obj: models.Model | None = None
    ) -> bool:
        """Never."""
        return False


class LogAdmin(ReadOnlyAdmin):
    """Read-only pages of a table that only grows; it is paged without a count."""

    paginator = InfinitePaginator
    show_full_result_count = False
