"""Instructions that callers name by task and target."""

from auditlog.registry import auditlog
from django.contrib import admin
from unfold.contrib.filters.admin import AllValuesCheckboxFilter

from accounts.admin.base import PlatformAdmin
from embeddings.models import InstructionTask


@admin.register(InstructionTask)
class InstructionTaskAdmin(PlatformAdmin):
    """What Chroma's `task` and `target` stand for; served within a second."""

    list_title = "Instruction tasks"
    list_display = ("task", "target", "instruction")
    list_filter = (("task", AllValuesCheckboxFilter),)
    search_fields = ("task", "target", "instruction")
    search_help_text = "Task, target or instruction"
    fields = (("task", "target"), "instruction")


auditlog.register(InstructionTask)
