"""What an operator says of a provider; the credential goes in and never comes out."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.contrib.forms.widgets import ArrayWidget
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldBooleanSwitchWidget

from accounts.encryption import EncryptionError, encrypt
from embeddings.models import Provider
from embeddings.models.endpoint_rules import check_credential

#: The name of the field that holds a secret, on its way in.
SECRET_FIELD = "new_credential"  # noqa: S105 -- a field's name


class ProviderForm(forms.ModelForm):  # type: ignore[type-arg]
    """A provider, whose credential is kept unless a new one is given."""

    new_credential = forms.CharField(
        required=False,
        label="Credential",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="The vendor's API key. It is kept encrypted and never shown.",
    )
    remove_credential = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Forget it, and call without one.",
    )

    class Meta:
        """The rest is noted by the platform."""

        model = Provider
        fields = (
            "name",
            "kind",
            "url",
            "options",
            "allowed_hosts",
            "timeout_s",
            "attempts",
            "concurrency",
            "is_enabled",
        )
        widgets = {"allowed_hosts": ArrayWidget}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for one in self.fields.values():
            # What is in the database is what it is compared with.
            one.show_hidden_initial = False
        set_at = self.instance.credential_set_at
        field = self.fields.get(SECRET_FIELD)
        if field is not None:
            field.widget.attrs["placeholder"] = (
                f"Set {set_at:%Y-%m-%d %H:%M} UTC; empty keeps it"
                if set_at is not None
                else "None is set"
            )

    def clean_new_credential(self) -> str:
        """One that can be sent, while it can be kept."""
        secret: str = self.cleaned_data[SECRET_FIELD]
        if secret:
            check_credential(secret)
            try:
                encrypt("")
            except EncryptionError as error:
                raise ValidationError(f"It cannot be kept: {error}.") from error
        return secret

    def clean(self) -> dict[str, Any]:
        """A credential is never sent elsewhere than where it was meant for."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        secret, is_removed = cleaned.get(SECRET_FIELD), cleaned.get("remove_credential")
        if secret and is_removed:
            self.add_error(SECRET_FIELD, "Either a new one, or none.")
        is_kept = self.instance.has_credential and not secret and not is_removed
        if is_kept and SECRET_FIELD not in self.errors and self._is_moved(cleaned):
            self.add_error(
                SECRET_FIELD,
                "Enter it again: it would go to another vendor or host than it was "
                "meant for.",
            )
        return cleaned

    def save(self, commit: bool = True) -> Provider:  # noqa: FBT001, FBT002 -- Django's
        """Encrypt what is new; trouble begins anew with every change."""
        provider: Provider = self.instance
        if self.cleaned_data.get("remove_credential"):
            provider.remove_credential()
        elif self.cleaned_data.get(SECRET_FIELD):
            provider.set_credential(self.cleaned_data[SECRET_FIELD])
        if self.has_changed():
            provider.forget_trouble()
        saved: Provider = super().save(commit)
        return saved

    def _is_moved(self, cleaned: dict[str, Any]) -> bool:
        kind, url = cleaned.get("kind"), cleaned.get("url")
        if kind is None or url is None:
            return False
        wanted = Provider(kind=kind, url=url).destination
        return bool(wanted != self.instance.destination)
