"""What an operator decides about an API key, and how keys are told apart by state."""

from datetime import datetime

from django import forms
from django.contrib.admin import ModelAdmin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter
from unfold.contrib.forms.widgets import ArrayWidget
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts.models import ApiKey, Scope
from accounts.models.api_key import ApiKeyQuerySet, default_scopes

ACTIVE, REVOKED, EXPIRED, OFF = "Active", "Revoked", "Expired", "Tenant inactive"


class ApiKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """What an operator decides about a key."""

    scopes = forms.MultipleChoiceField(
        choices=Scope.choices,
        initial=default_scopes,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What the key may do.",
    )

    class Meta:
        """The key's own fields are the secret's business."""

        model = ApiKey
        fields = ("tenant", "name", "scopes", "model_names", "expires_at")
        widgets = {"model_names": ArrayWidget}

    def clean_expires_at(self) -> datetime | None:
        """Refuse a new key that would be dead on arrival."""
        expires_at: datetime | None = self.cleaned_data["expires_at"]
        is_new = self.instance.pk is None
        if is_new and expires_at is not None and expires_at <= timezone.now():
            raise ValidationError("This time has passed; the key would never work.")
        return expires_at


class StateFilter(DropdownFilter):
    """Active, revoked or expired keys."""

    title = "state"
    parameter_name = "state"

    def lookups(
        self, request: HttpRequest, model_admin: "ModelAdmin[ApiKey]"
    ) -> list[tuple[str, str]]:
        """The states."""
        return [("active", ACTIVE), ("expired", EXPIRED), ("revoked", REVOKED)]

    def queryset(
        self, request: HttpRequest, queryset: ApiKeyQuerySet
    ) -> ApiKeyQuerySet:
        """Those in the state asked for."""
        match self.value():
            case "active":
                return queryset.active()
            case "expired":
                return queryset.filter(
                    revoked_at__isnull=True, expires_at__lte=timezone.now()
                )
            case "revoked":
                return queryset.filter(revoked_at__isnull=False)
        return queryset
