"""List prices: added, and withdrawn before they take effect."""

from auditlog.registry import auditlog
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin.base import PlatformAdmin
from accounts.admin.columns import moment
from accounts.models import Price


@admin.register(Price)
class PriceAdmin(PlatformAdmin):
    """A price that took effect stays as it was: what was used had it."""

    list_display = ("shown_model", "per_million_tokens", "per_request", "since")
    search_fields = ("model",)
    search_help_text = "Canonical model name"
    fields = ("model", ("per_million_tokens", "per_request"), "effective_from")

    def has_change_permission(
        self, request: HttpRequest, obj: Price | None = None
    ) -> bool:
        """Only of what has not begun."""
        return _has_not_begun(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(
        self, request: HttpRequest, obj: Price | None = None
    ) -> bool:
        """Only of one that has not begun, and never of many at once."""
        may = super().has_delete_permission(request, obj)
        return obj is not None and _has_not_begun(obj) and may

    @admin.display(description="Model", ordering="model")
    def shown_model(self, price: Price) -> str:
        """Its canonical name."""
        return price.model or "every other model"

    @admin.display(description="From (UTC)", ordering="effective_from")
    def since(self, price: Price) -> str:
        """When it takes effect."""
        return moment(price.effective_from)


def _has_not_begun(price: Price | None) -> bool:
    return price is None or price.effective_from > timezone.now()


auditlog.register(Price)
