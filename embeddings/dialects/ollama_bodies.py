"""Ollama's request bodies, judged in its order and refused in its decoder's words.

Source: ollama's server/routes.go and api/types.go, Go's encoding/json.
"""

import re
from dataclasses import dataclass
from typing import TypeVar

from embeddings.dialects.base import Json, WireRequest, strings
from embeddings.dialects.go_duration import keep_alive_seconds
from embeddings.dialects.ollama_options import window
from embeddings.engine.spec import Truncate
from embeddings.errors import (
    InvalidRequestError,
    MalformedBodyError,
    ModelNotFoundError,
    ModelRequiredError,
)
from embeddings.types import EmbeddingRequest

T = TypeVar("T")

#: Sizes beyond Go's int are refused, as Ollama's decoder does.
LARGEST_INT = 2**63 - 1
#: How a request was asked, which its answer's shape depends on.
EMBED, EMBEDDINGS, GENERATE, CHAT = "embed", "embeddings", "generate", "chat"

_PART = r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,79}"
_HOST = r"[A-Za-z0-9_][A-Za-z0-9_.:\-]{0,349}"
_SPACE = r"[A-Za-z0-9_][A-Za-z0-9_\-]{0,79}"
_NAME = re.compile(rf"(?:(?:{_HOST}/)?{_SPACE}/)?{_PART}(?::{_PART})?")

_GO_TYPES = {str: "string", bool: "bool", list: "array", dict: "object"}
_OPTIONS = "map[string]interface {}"


@dataclass(frozen=True, slots=True)
class Body:
    """A JSON object by lower-case field names, as Go's `struct` of that name."""

    struct: str
    fields: Json

    def field(self, name: str, kind: type[T], go_kind: str) -> T | None:
        """A field of just this type, None when absent or null."""
        value = self.fields.get(name)
        if value is None:
            return None
        is_beyond_int = isinstance(value, int) and abs(value) > LARGEST_INT
        if type(value) is not kind or is_beyond_int:
            number = f"number {value}" if kind is int else "number"
            given = _GO_TYPES.get(type(value), number)
            raise MalformedBodyError(
                f"json: cannot unmarshal {given} into Go struct field"
                f" {self.struct}.{name} of type {go_kind}",
                param=name,
            )
        return value

    def text(self, name: str) -> str:
        """A string; empty when absent, as in Go."""
        return self.field(name, str, "string") or ""

    def keep_alive_s(self) -> float | None:
        """Judged while it is decoded, before all other fields."""
        return keep_alive_seconds(self.fields.get("keep_alive"))


def embed_request(wire: WireRequest) -> EmbeddingRequest:
    """`POST /api/embed`; empty input asks for the model to be loaded."""
    body = _body(wire, "EmbedRequest")
    keep_alive_s = body.keep_alive_s()
    model = body.text("model")
    truncate = body.field("truncate", bool, "bool")
    dimensions = body.field("dimensions", int, "int")
    options = body.field("options", dict, _OPTIONS)
    name = _existing_name(model)
    inputs = _inputs(body.fields.get("input"))
    max_tokens, refusal = _window(options, inputs)
    return EmbeddingRequest(
        model=name,
        inputs=inputs,
        dimensions=dimensions if dimensions and dimensions > 0 else None,
        ignores_odd_dimensions=True,
        truncate={None: None, True: Truncate.END, False: Truncate.ERROR}[truncate],
        wire_truncate=Truncate.END,
        max_tokens=max_tokens,
        keep_alive_s=keep_alive_s,
        loads_only=not inputs,
        variant=EMBED,
        refusal=refusal,
    )


def embeddings_request(wire: WireRequest) -> EmbeddingRequest:
    """`POST /api/embeddings`, the older way: one prompt, which is never cut."""
    body = _body(wire, "EmbeddingRequest")
    keep_alive_s = body.keep_alive_s()
    model, prompt = body.text("model"), body.text("prompt")
    options = body.field("options", dict, _OPTIONS)
    inputs = (prompt,) if prompt else ()
    max_tokens, refusal = _window(options, inputs)
    return EmbeddingRequest(
        model=_required_name(model),
        inputs=inputs,
        max_tokens=max_tokens,
        keep_alive_s=keep_alive_s,
        loads_only=not inputs,
        variant=EMBEDDINGS,
        refusal=refusal,
    )


def generate_request(wire: WireRequest) -> EmbeddingRequest:
    """`POST /api/generate` without a prompt: the model is to be loaded or unloaded."""
    body = _body(wire, "GenerateRequest")
    keep_alive_s = body.keep_alive_s()
    model, prompt = body.text("model"), body.text("prompt")
    return _load_request(body, model, keep_alive_s, GENERATE, has_work=bool(prompt))


def chat_request(wire: WireRequest) -> EmbeddingRequest:
    """`POST /api/chat` without messages: the model is to be loaded or unloaded."""
    body = _body(wire, "ChatRequest")
    keep_alive_s = body.keep_alive_s()
    model, messages = body.text("model"), body.field("messages", list, "[]api.Message")
    return _load_request(body, model, keep_alive_s, CHAT, has_work=bool(messages))


def shown_name(wire: WireRequest) -> str:
    """The model that `POST /api/show` asks about, by its new field or the old one."""
    body = _body(wire, "ShowRequest")
    return _required_name(body.text("model") or body.text("name"))


def _body(wire: WireRequest, struct: str) -> Body:
    """The body; Go takes null for an empty object."""
    body = {} if wire.json is None else wire.json
    if not isinstance(body, dict):
        raise MalformedBodyError(
            f"json: cannot unmarshal {_GO_TYPES.get(type(body), 'number')}"
            f" into Go value of type api.{struct}"
        )
    return Body(struct, {name.lower(): value for name, value in body.items()})


def _load_request(
    body: Body, model: str, keep_alive_s: float | None, variant: str, *, has_work: bool
) -> EmbeddingRequest:
    """What no embedding model can do is refused once it is known that there is one.

    Ollama refuses to load them by these routes, too; its users asked for it.
    """
    body.field("options", dict, _OPTIONS)
    name = _existing_name(model)
    return EmbeddingRequest(
        model=name,
        inputs=(),
        keep_alive_s=keep_alive_s,
        loads_only=True,
        variant=variant,
        refusal=f'"{name}" does not support {variant}' if has_work else "",
    )


def _window(
    options: dict[str, object] | None, inputs: tuple[str, ...]
) -> tuple[int | None, str]:
    """The asked window, and what is wrong with the options; Ollama looks at them late.

    Only a model that exists has any.
    """
    try:
        return window(options or {}, inputs), ""
    except InvalidRequestError as error:
        return None, str(error.detail)


def _existing_name(name: str) -> str:
    """The name as sent, when Ollama would take it for one; none is not found."""
    if not name:
        raise ModelNotFoundError("")
    return _valid_name(name)


def _required_name(name: str) -> str:
    """As `_existing_name`, on the routes that ask for a name in other words."""
    if not name:
        raise ModelRequiredError("model is required")
    return _valid_name(name)


def _valid_name(name: str) -> str:
    if _NAME.fullmatch(name.strip(" ")) is None:
        raise InvalidRequestError("invalid model name", param="model")
    return name


def _inputs(value: object) -> tuple[str, ...]:
    """Texts to embed; none at all asks for the model to be loaded."""
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        return (value,)
    texts = strings(value)
    if texts is None:
        raise InvalidRequestError("invalid input type", param="input")
    return texts
