"""Quotas on the pages of plans, tenants and keys; an operator writes them as said."""

from typing import Any

from auditlog.registry import auditlog
from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.forms.formsets import DELETION_FIELD_NAME
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.amounts import read_amount, write_amount
from accounts.models import Quota
from accounts.quotas import BY_CODE


class QuotaForm(forms.ModelForm):  # type: ignore[type-arg]
    """One quota: its kind, which stays, and its amount in the kind's unit."""

    amount = forms.CharField(
        max_length=40,
        widget=UnfoldAdminTextInputWidget,
        help_text="0 refuses. Money in the currency (25.50), all else whole: "
        "1500, 500k or 2M.",
    )

    class Meta:
        """The holder is the page's."""

        model = Quota
        fields = ("kind", "amount")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            self.fields["kind"].disabled = True
            self.initial["amount"] = written(self.instance)

    def clean(self) -> dict[str, Any]:
        """The amount as the database holds it."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        kind = BY_CODE.get(cleaned.get("kind", ""))
        if kind is not None and "amount" in cleaned:
            try:
                cleaned["amount"] = read_amount(cleaned["amount"], kind=kind)
            except ValueError as error:
                raise ValidationError({"amount": str(error)}) from error
        return cleaned


class QuotaFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    """One holder's quotas, of each kind but one."""

    def clean(self) -> None:
        """Refuse a second quota of a kind, also where it came since the page did."""
        super().clean()
        leaving = {
            form.instance.pk
            for form in self.initial_forms
            if form.cleaned_data.get(DELETION_FIELD_NAME)
        }
        there = {quota.kind for quota in self.get_queryset() if quota.pk not in leaving}
        for form in self.extra_forms:
            kind = form.cleaned_data.get("kind")
            if kind is None or form.cleaned_data.get(DELETION_FIELD_NAME):
                continue
            if kind in there:
                form.add_error("kind", "There is a quota of this kind.")
            there.add(kind)


class QuotaInline(TabularInline):
    """What the page's plan, tenant or key may use."""

    model = Quota
    form = QuotaForm
    formset = QuotaFormSet
    readonly_fields = ("shown_amount",)
    extra = 0
    hide_title = True

    def get_fields(
        self, request: HttpRequest, obj: models.Model | None = None
    ) -> tuple[str, ...]:
        """The kind and the amount, as people write it for those who only look, too."""
        may_change = self.has_change_permission(request, obj)
        return ("kind", "amount" if may_change else "shown_amount")

    def has_add_permission(
        self, request: HttpRequest, obj: models.Model | None = None
    ) -> bool:
        """For those who may change quotas too: a first one is a change of service."""
        may_add: bool = super().has_add_permission(request, obj)
        return may_add and self.has_change_permission(request, obj)

    @admin.display(description="Amount")
    def shown_amount(self, quota: Quota) -> str:
        """Its amount in the kind's unit."""
        return written(quota)


def written(quota: Quota) -> str:
    """A quota's amount as people write it."""
    kind = BY_CODE.get(quota.kind)
    return str(quota.amount) if kind is None else write_amount(quota.amount, kind=kind)


auditlog.register(Quota)
