"""Instructions that callers name by task and target instead of spelling them out."""

from accounts.revision import get_cache
from embeddings.errors import InvalidRequestError
from embeddings.models import InstructionTask

#: Chroma's own task, with Qwen's sentence for it.
SHIPPED_TASK = "nl_to_code"
SHIPPED_TARGETS = {
    "documents": "",
    "query": (
        "Given a question about coding, retrieval code or passage that can solve"
        " user's question"
    ),
}


def instruction_for(*, task: str | None, target: str | None) -> str | None:
    """The instruction of a known pair, None without one; raises InvalidRequestError."""
    if not task or not target:
        return None
    tasks = get_cache().get(("tasks",), _load)
    targets = tasks.get(task)
    if targets is None:
        known = ", ".join(sorted(tasks)) or "none"
        raise InvalidRequestError(f"unknown 'task'; known are: {known}", param="task")
    if target not in targets:
        known = ", ".join(sorted(targets))
        raise InvalidRequestError(
            f"unknown 'target'; known are: {known}", param="target"
        )
    return targets[target]


def seed_tasks() -> None:
    """Add Chroma's own task where operators have nothing of that name."""
    if not InstructionTask.objects.filter(task=SHIPPED_TASK).exists():
        InstructionTask.objects.bulk_create(
            InstructionTask(task=SHIPPED_TASK, target=target, instruction=instruction)
            for target, instruction in SHIPPED_TARGETS.items()
        )


def _load() -> dict[str, dict[str, str]]:
    """Instructions by task and target."""
    tasks: dict[str, dict[str, str]] = {}
    for row in InstructionTask.objects.all():
        tasks.setdefault(row.task, {})[row.target] = row.instruction
    return tasks
