"""Instructions that callers name by task and target instead of spelling them out."""

from embeddings.errors import InvalidRequestError

#: Chroma's own task, with Qwen's sentence for it.
TASKS: dict[str, dict[str, str]] = {
    "nl_to_code": {
        "documents": "",
        "query": (
            "Given a question about coding, retrieval code or passage that can solve"
            " user's question"
        ),
    },
}


def instruction_for(*, task: str | None, target: str | None) -> str | None:
    """The instruction of a known pair, None without one; raises InvalidRequestError."""
    if not task or not target:
        return None
    targets = TASKS.get(task)
    if targets is None:
        raise InvalidRequestError(
            f"unknown 'task'; known are: {', '.join(sorted(TASKS))}", param="task"
        )
    if target not in targets:
        raise InvalidRequestError(
            f"unknown 'target'; known are: {', '.join(sorted(targets))}", param="target"
        )
    return targets[target]
