"""Ollama's `options`: every known one is typed, one changes an embedding."""

from embeddings.dialects.base import Json, strings
from embeddings.errors import InvalidRequestError

#: Windows of 1 or 2 tokens leave no room between the two special tokens.
SPECIAL_TOKENS = 2

_INTEGERS = {
    "num_ctx",
    "num_batch",
    "num_gpu",
    "main_gpu",
    "num_thread",
    "draft_num_predict",
    "num_keep",
    "seed",
    "num_predict",
    "top_k",
    "repeat_last_n",
}
_FLOATS = {
    "top_p",
    "min_p",
    "typical_p",
    "temperature",
    "repeat_penalty",
    "presence_penalty",
    "frequency_penalty",
}


def window(options: Json, inputs: tuple[str, ...]) -> int | None:
    """`num_ctx`, cut to an integer; None leaves the model's own window.

    Raises InvalidRequestError for a mistyped option, and for a window that leaves no
    room for the texts.
    """
    for name, value in options.items():
        wanted = None if value is None else _wanted(name, value)
        if wanted is not None:
            raise InvalidRequestError(f'option "{name}" must be of {wanted}')
    asked = options.get("num_ctx")
    if not isinstance(asked, int | float):
        return None
    tokens = int(asked)
    if any(inputs) and tokens <= 0:
        raise InvalidRequestError(
            "input exceeds maximum context length and cannot be truncated further"
        )
    if any(inputs) and tokens <= SPECIAL_TOKENS:
        raise InvalidRequestError(
            "input after truncation exceeds maximum context length"
        )
    return tokens if tokens > SPECIAL_TOKENS else None


def _wanted(name: str, value: object) -> str | None:
    """What an option should have been, None when it is; fractions pass as integers."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if name in _INTEGERS and not is_number:
        return "type integer"
    if name in _FLOATS and not is_number:
        return "type float32"
    if name == "use_mmap" and not isinstance(value, bool):
        return "type boolean"
    if name == "stop" and not isinstance(value, list):
        return "type array"
    if name == "stop" and strings(value) is None:
        return "an array of strings"
    return None
