"""What Google's bodies hold: contents of parts, what they are for, and in what size.

Source: Google's REST reference of the Generative Language API.
"""

from dataclasses import dataclass

from embeddings.dialects.base import (
    Json,
    optional_boolean,
    optional_integer,
    optional_text,
)
from embeddings.engine.spec import Role, Truncate
from embeddings.errors import InvalidRequestError

#: In the order of their numbers, which google-generativeai sends instead of names.
TASK_TYPES = (
    "TASK_TYPE_UNSPECIFIED",
    "RETRIEVAL_QUERY",
    "RETRIEVAL_DOCUMENT",
    "SEMANTIC_SIMILARITY",
    "CLASSIFICATION",
    "CLUSTERING",
    "QUESTION_ANSWERING",
    "FACT_VERIFICATION",
    "CODE_RETRIEVAL_QUERY",
)
_ROLE = {
    "RETRIEVAL_QUERY": Role.QUERY,
    "QUESTION_ANSWERING": Role.QUERY,
    "FACT_VERIFICATION": Role.QUERY,
    "CODE_RETRIEVAL_QUERY": Role.QUERY,
    "RETRIEVAL_DOCUMENT": Role.DOCUMENT,
}
#: Protobuf's JSON takes either spelling of a field.
_CAMEL = {
    "task_type": "taskType",
    "output_dimensionality": "outputDimensionality",
    "auto_truncate": "autoTruncate",
    "generate_content_request": "generateContentRequest",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a request asks beside its text."""

    role: Role
    dimensions: int | None
    truncate: Truncate | None


def asked(body: Json, place: str = "") -> tuple[tuple[str, ...], Ask]:
    """The one text of a request, and what is asked of it.

    A document's title heads its text; Google has no use for titles of other texts.
    """
    body = _camel(body)
    task_type = _task_type(body.get("taskType"))
    text = _text(body.get("content"), f"{place}content")
    title = optional_text(body, "title")
    if title and task_type == "RETRIEVAL_DOCUMENT":
        text = f"{title}\n{text}"
    dimensions = optional_integer(body, "outputDimensionality")
    if dimensions is not None and dimensions < 1:
        raise InvalidRequestError(
            "'outputDimensionality' must be at least 1", param="outputDimensionality"
        )
    cuts = optional_boolean(body, "autoTruncate")
    truncate = Truncate.END if cuts else Truncate.ERROR
    ask = Ask(
        role=_ROLE.get(task_type, Role.NONE),
        dimensions=dimensions,
        truncate=None if cuts is None else truncate,
    )
    return (text,), ask


def batch(body: Json) -> tuple[tuple[str, ...], Ask]:
    """The texts of a batch's requests in order, and what all of them ask."""
    texts: list[str] = []
    asks: set[Ask] = set()
    for index, one in enumerate(_objects(body, "requests")):
        text, ask = asked(one, f"requests[{index}].")
        texts += text
        asks.add(ask)
    if len(asks) > 1:
        raise InvalidRequestError(
            "the requests of one batch must ask for the same: they differ in taskType,"
            " outputDimensionality or autoTruncate",
            param="requests",
        )
    return tuple(texts), asks.pop()


def counted(body: Json) -> tuple[str, ...]:
    """The texts to count, by themselves or inside of a request to generate."""
    inner, place = _camel(body).get("generateContentRequest"), ""
    if inner is not None:
        if not isinstance(inner, dict):
            raise InvalidRequestError("'generateContentRequest' must be an object")
        body, place = inner, "generateContentRequest."
    return tuple(
        _text(content, f"{place}contents[{index}]")
        for index, content in enumerate(_objects(body, "contents", place))
    )


def _camel(body: Json) -> Json:
    """The body with its fields under the names that Google's documents use."""
    return {_CAMEL.get(name, name): value for name, value in body.items()}


def _objects(body: Json, name: str, place: str = "") -> list[dict[str, object]]:
    value = body.get(name)
    if isinstance(value, list) and value:
        objects = [item for item in value if isinstance(item, dict)]
        if len(objects) == len(value):
            return objects
    raise InvalidRequestError(
        f"'{place}{name}' must be a non-empty list of objects", param=name
    )


def _task_type(value: object) -> str:
    """A task type's name, whether it came by name or by number."""
    if value is None:
        return TASK_TYPES[0]
    if isinstance(value, str) and value in TASK_TYPES:
        return value
    if type(value) is int and 0 <= value < len(TASK_TYPES):
        return TASK_TYPES[value]
    raise InvalidRequestError(
        f"invalid value at 'taskType': {str(value)[:40]!r}", param="taskType"
    )


def _text(content: object, place: str) -> str:
    """The texts of a content's parts as one, on lines of their own."""
    if not isinstance(content, dict):
        raise InvalidRequestError(f"'{place}' must be an object", param=place)
    parts = _objects(content, "parts", f"{place}.")
    # Parts of other kinds (pictures, files) have nothing that a text model reads.
    texts = [
        text for part in parts if (text := optional_text(part, "text")) is not None
    ]
    if not texts or not all(texts):
        raise InvalidRequestError(f"'{place}' contains an empty part", param=place)
    return "\n".join(texts)
