"""Instruction tasks in the admin."""

from auditlog.models import LogEntry
from django.test import Client
from django.urls import reverse

from embeddings.catalog.instructions import seed_tasks
from embeddings.models import InstructionTask

LIST = reverse("admin:embeddings_instructiontask_changelist")
ADD = reverse("admin:embeddings_instructiontask_add")
ENTERED = {"task": "laws", "target": "query", "instruction": "Find the law"}


def test_operator_adds_a_task(root: Client):
    response = root.post(ADD, ENTERED)

    assert response.status_code == 302, response.context["errors"]
    task = InstructionTask.objects.get()
    assert (task.task, task.target, task.instruction) == (
        "laws",
        "query",
        "Find the law",
    )
    assert LogEntry.objects.get_for_object(task).exists()


def test_task_has_one_instruction_per_target(root: Client):
    root.post(ADD, ENTERED)

    response = root.post(ADD, ENTERED)

    assert "The task has an instruction for this target." in response.content.decode()
    assert InstructionTask.objects.count() == 1


def test_list_is_found_in_and_filtered(root: Client):
    seed_tasks()
    root.post(ADD, ENTERED)

    found = root.get(LIST, {"q": "law"}).content.decode()

    assert "Find the law" in found
    assert "Given a question about coding" not in found
    assert root.get(LIST, {"task": "nl_to_code"}).status_code == 200
