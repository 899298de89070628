"""Usage in the admin, with the catalog's and the dialects' names to choose from."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from accounts.admin.usage import UsageAdmin
from accounts.admin.usage_events import (
    ExactFilter,
    ModelFilter,
    UsageEventAdmin,
    WireFilter,
)
from accounts.models import UsageEvent, UsageSoFar
from embeddings.dialects import all_dialects
from embeddings.models import EmbeddingModel


class CatalogFilter(ExactFilter, DropdownFilter):
    """Events of one model of the catalog."""

    title = parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every model's canonical name."""
        names = EmbeddingModel.objects.values_list("name", flat=True)
        return [(name, name) for name in names]

    def has_output(self) -> bool:
        """Also with an empty catalog, or a link would show what it does not name."""
        return True


class DialectFilter(ExactFilter, DropdownFilter):
    """Events that came over one of the wires that are spoken here."""

    title = parameter_name = "wire"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every dialect's name."""
        return [(dialect.name, dialect.name) for dialect in all_dialects()]


NAMED: dict[Any, Any] = {ModelFilter: CatalogFilter, WireFilter: DialectFilter}

admin.site.unregister(UsageEvent)


@admin.register(UsageEvent)
class NamedUsageEventAdmin(UsageEventAdmin):
    """The ledger, with the catalog's and the dialects' names to choose from."""

    list_filter = tuple(
        NAMED.get(chosen, chosen) for chosen in UsageEventAdmin.list_filter
    )


admin.site.unregister(UsageSoFar)


@admin.register(UsageSoFar)
class NamedUsageAdmin(UsageAdmin):
    """Usage by day, with the catalog's names to choose from."""

    list_filter = tuple(NAMED.get(chosen, chosen) for chosen in UsageAdmin.list_filter)
