"""Instructions that callers name by task and target instead of spelling them out."""

from django.db import models

from accounts.models.revision import bump_revision


class InstructionTask(models.Model):
    """What one task asks of the texts on one side: the query, say, or the documents."""

    task = models.CharField(max_length=100)
    target = models.CharField(
        max_length=100, help_text="Chroma's clients say query or documents."
    )
    instruction = models.TextField(
        blank=True, help_text="Empty: the texts of this target go without."
    )

    class Meta:
        """One instruction per task and target."""

        ordering = ["task", "target"]
        constraints = [
            models.UniqueConstraint(
                fields=["task", "target"],
                name="instruction_task_unique",
                violation_error_message="The task has an instruction for this target.",
            ),
            models.CheckConstraint(
                condition=~models.Q(task="") & ~models.Q(target=""),
                name="instruction_task_named",
            ),
        ]
        triggers = [bump_revision("instruction_task_bump_revision")]

    def __str__(self) -> str:
        return f"{self.task} / {self.target}"
