"""The admin's site: its sign-in is limited in front of django-axes."""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.forms import AuthenticationForm
from unfold.sites import UnfoldAdminSite

from accounts.errors import RateLimitedError
from accounts.throttling import count_sign_in


class SignInForm(AuthenticationForm):
    """Unfold's form; an attempt too many costs no password's hash and no query."""

    retry_after_s: int | None = None

    def clean(self) -> dict[str, Any]:
        """Raise ValidationError for an attempt too many."""
        address = self.request.META.get("REMOTE_ADDR", "")
        username = self.cleaned_data.get("username", "")
        try:
            count_sign_in(address, username=username)
        except RateLimitedError as error:
            self.retry_after_s = int(error.retry_after_s or 1)
            raise ValidationError(
                f"Too many sign-ins. Please try again in {self.retry_after_s} s.",
                code=error.default_code,
            ) from error
        return dict(super().clean())


class PlatformAdminSite(UnfoldAdminSite):
    """Unfold's site, whose sign-in page answers 429 where it refuses to try."""

    login_form = SignInForm

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page, or on to where the visitor was going."""
        response: HttpResponse = super().login(request, extra_context)
        if isinstance(response, TemplateResponse):
            form = (response.context_data or {}).get("form")
            if isinstance(form, SignInForm) and form.retry_after_s is not None:
                response.status_code = HTTPStatus.TOO_MANY_REQUESTS
                response.headers["Retry-After"] = str(form.retry_after_s)
        return response
