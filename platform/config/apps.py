"""The platform's own app and its admin site."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class PlatformConfig(AppConfig):
    """Commands and pages that show facts of both apps."""

    name = "config"
    label = "platform_config"

    def ready(self) -> None:
        """Register the checks, and let tasks find their application."""
        from config import celery, checks  # noqa: F401, PLC0415 -- need the settings


class PlatformAdminConfig(AdminConfig):
    """Django's admin; the site is Unfold's with a sign-in of ours."""

    default_site = "config.sign_in.PlatformAdminSite"
