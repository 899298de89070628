"""What each serving process tells of its engine, and what operators ask of them all."""

from django.db import models

from embeddings.models.catalog import EmbeddingModel


class EngineProcess(models.Model):
    """One process with an engine, as it last described itself.

    A process that stopped telling is gone; rows are removed when they are stale.
    """

    id = models.UUIDField(primary_key=True)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    facts = models.JSONField(default=dict)

    class Meta:
        """Oldest first."""

        ordering = ["started_at", "id"]
        verbose_name_plural = "engine processes"

    def __str__(self) -> str:
        return f"{self.host} {self.pid}"


class EngineCommand(models.Model):
    """An operator's wish, carried out by every process that serves when it is made."""

    class Action(models.TextChoices):
        """What is to be done with the model."""

        WARM = "warm", "Warm"
        UNLOAD = "unload", "Unload"
        RETRY = "retry", "Retry"

    action = models.CharField(max_length=8, choices=Action.choices)
    model = models.ForeignKey(
        EmbeddingModel, on_delete=models.CASCADE, related_name="commands"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """In the order in which they were given: pools ask for those after an id."""

        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.model}"
