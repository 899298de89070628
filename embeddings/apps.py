"""The embeddings app and its system checks."""

from django.apps import AppConfig


class EmbeddingsConfig(AppConfig):
    """Dialects, catalog and engine."""

    name = "embeddings"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks."""
        from embeddings import checks  # noqa: F401, PLC0415 - models must be loaded first
