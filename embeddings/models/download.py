"""How far the fetching of a model's files has come."""

from django.db import models

from embeddings.models.catalog import EmbeddingModel


class ModelDownload(models.Model):
    """One attempt to fetch a model from the hub, updated in place while it runs."""

    class State(models.TextChoices):
        """Where an attempt stands."""

        RUNNING = "running", "Running"
        CHECKING = "checking", "Checking"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    model = models.ForeignKey(
        EmbeddingModel,
        null=True,
        on_delete=models.CASCADE,
        related_name="downloads",
        help_text="None yet for what is new to the catalog.",
    )
    source = models.CharField(max_length=500, help_text="The hub id.")
    revision = models.CharField(
        max_length=64, blank=True, help_text="The hub's commit that was fetched."
    )
    state = models.CharField(
        max_length=8, choices=State.choices, default=State.RUNNING.value
    )
    files_total = models.PositiveIntegerField(default=0)
    bytes_done = models.PositiveBigIntegerField(default=0)
    bytes_total = models.PositiveBigIntegerField(default=0)
    error = models.TextField(blank=True)
    started_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        """Newest first."""

        ordering = ["-started_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.source}: {self.get_state_display()}"
