"""The embeddings app."""

from django.apps import AppConfig


class EmbeddingsConfig(AppConfig):
    """Dialects, catalog and engine."""

    name = "embeddings"
    default_auto_field = "django.db.models.BigAutoField"
