"""What an operator says of a model: ours, or a provider's."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget

from embeddings.catalog.vendor_models import VENDOR_MODELS, VendorModel, vendor_model
from embeddings.models import EmbeddingModel, Outputs, Provider

#: What a model of our own has to have.
REQUIRED = ("family", "output", "dimensions", "max_tokens")
DATALIST = "vendor-models"
#: What a provider's model has not, and how its row says so.
REMOTE = {"family": "", "route": "", "output": Outputs.DENSE.value}


class SourceInput(UnfoldAdminTextInputWidget):
    """A text field that offers the names of well-known vendors' models."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"list": DATALIST, **(attrs or {})})

    def render(self, *args: Any, **kwargs: Any) -> SafeString:
        """The field, and what it offers."""
        options = format_html_join(
            "", '<option value="{}"></option>', ((one.name,) for one in VENDOR_MODELS)
        )
        offered = format_html('<datalist id="{}">{}</datalist>', DATALIST, options)
        field: SafeString = super().render(*args, **kwargs)
        return field + offered


class EmbeddingModelForm(forms.ModelForm):  # type: ignore[type-arg]
    """A model, whose sizes may be left out where the vendor's are known."""

    class Meta:
        """The admin chooses the fields."""

        model = EmbeddingModel
        fields = "__all__"  # noqa: DJ007 -- the admin's fieldsets name them
        widgets = {"source": SourceInput}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("family", "output", "dimensions", "max_tokens"):
            if name in self.fields:
                self.fields[name].required = False
        for name in ("dimensions", "max_tokens"):
            if name in self.fields:
                help_text = self.fields[name].help_text
                self.fields[name].help_text = (
                    f"{help_text} Empty: what the vendor's model is known for."
                ).strip()

    def clean(self) -> dict[str, Any]:
        """What is left out is filled in; what cannot be is refused."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        provider: Provider | None = cleaned.get("provider", self.instance.provider)
        was_remote = self.instance.provider_id is not None
        if self.instance.pk is not None and was_remote is not (provider is not None):
            raise ValidationError(
                {"provider": "Who embeds would change all vectors: make a new model."}
            )
        if provider is None:
            self._require(*(name for name in REQUIRED if name in self.fields))
            return cleaned
        for name, value in REMOTE.items():
            setattr(self.instance, name, value)
            if name in self.fields:
                cleaned[name] = value
        known = vendor_model(provider.kind, cleaned.get("source", ""))
        if known is not None:
            self._fill(cleaned, known)
        self._require("dimensions", "max_tokens")
        return cleaned

    def _fill(self, cleaned: dict[str, Any], known: VendorModel) -> None:
        """Take from the vendor what was left out, and refuse what it does not offer."""
        for name in ("dimensions", "max_tokens"):
            if name not in self.errors and cleaned.get(name) is None:
                cleaned[name] = getattr(known, name)
        dimensions = cleaned.get("dimensions")
        if dimensions is None:
            return
        if not known.offers(dimensions):
            self.add_error("dimensions", f"{known.name} has no vectors of this size.")
        elif self.instance.pk is None and not (
            cleaned.get("matryoshka_min") or cleaned.get("matryoshka_sizes")
        ):
            cleaned["matryoshka_min"] = known.matryoshka_min
            cleaned["matryoshka_sizes"] = list(known.smaller_than(dimensions))

    def _require(self, *names: str) -> None:
        for name in names:
            if name not in self.errors and self.cleaned_data.get(name) in (None, ""):
                self.add_error(name, "This field is required.")
