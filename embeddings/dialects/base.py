"""The dialect contract: routes in, requests out; results in, replies out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import ClassVar

import orjson

from embeddings.errors import InvalidRequestError, MalformedBodyError
from embeddings.types import (
    EmbeddingRequest,
    EmbeddingResult,
    Failure,
    LoadedFacts,
    ModelFacts,
    Reply,
)

Json = Mapping[str, object]


class Operation(StrEnum):
    """What a route asks of the platform; views know one handler for each."""

    EMBED = "embed"
    EMBED_SPARSE = "embed_sparse"
    LIST_MODELS = "list_models"
    SHOW_MODEL = "show_model"
    LOADED_MODELS = "loaded_models"
    VERSION = "version"
    COUNT_TOKENS = "count_tokens"
    LOAD = "load"
    HEALTH = "health"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method and path of a wire; `{model}` in the path may hold slashes.

    `schema` is the JSON schema of the body, for the documentation. A public route is
    answered without a key.
    """

    method: str
    path: str
    operation: Operation
    summary: str
    schema: Json | None = None
    headers: tuple[str, ...] = ()
    example: Json | None = None
    is_public: bool = False


@dataclass(frozen=True, kw_only=True)
class WireRequest:
    """A request as it came: header names are in lower case, the body is unread JSON."""

    route: Route
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    path: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def json(self) -> object:
        """The body as JSON, whatever its content type; raises MalformedBodyError.

        The parser refuses NaN, numbers beyond a float, lone surrogates, invalid UTF-8
        and nesting deeper than 1,024.
        """
        if not self.body.strip():
            raise MalformedBodyError("missing request body")
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise MalformedBodyError(
                f"the body is not valid JSON: {error.msg} at byte {error.pos}"
            ) from None

    def object(self) -> dict[str, object]:
        """The body as a JSON object; raises MalformedBodyError."""
        if not isinstance(self.json, dict):
            raise MalformedBodyError("the body must be a JSON object")
        return self.json


class Dialect:
    """One wire protocol, as a pure translation in both directions.

    `prefixes` are the paths below which unknown paths are answered in this wire's
    shape; the longest prefix of all wires wins. `marks` are headers that only its own
    clients send; with one of them, the `marked_prefixes` of other wires are its, too.
    `key_field` names a field of the query that may hold the caller's key;
    `takes_key_in_path` is for clients that can send it nowhere else.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    routes: ClassVar[tuple[Route, ...]]
    prefixes: ClassVar[tuple[str, ...]] = ()
    marks: ClassVar[tuple[str, ...]] = ()
    marked_prefixes: ClassVar[tuple[str, ...]] = ()
    key_field: ClassVar[str | None] = None
    takes_key_in_path: ClassVar[bool] = False

    def claims(self, wire: WireRequest) -> bool:  # noqa: ARG002
        """Whether a request on a path shared with another wire is this wire's.

        It is asked before the body is read (`body` empty) and again after it, and
        before the wires that claim whatever is left, as this one does.
        """
        return True

    def parse(self, wire: WireRequest) -> EmbeddingRequest:
        """What the caller asks for; raises the errors of embeddings.errors."""
        raise NotImplementedError

    def model_shown(self, wire: WireRequest) -> str | None:
        """The name that a SHOW_MODEL asks about, None for the tenant's default.

        Raises errors as `parse` does.
        """
        return wire.path.get("model")

    def render(self, result: EmbeddingResult, request: EmbeddingRequest) -> Reply:
        """The answer to EMBED, EMBED_SPARSE and LOAD."""
        raise NotImplementedError

    def render_count(self, tokens: int) -> Reply:
        """The answer to COUNT_TOKENS."""
        raise NotImplementedError

    def render_models(self, models: Sequence[ModelFacts]) -> Reply:
        """The answer to LIST_MODELS."""
        raise NotImplementedError

    def render_model(self, model: ModelFacts) -> Reply:
        """The answer to SHOW_MODEL."""
        raise NotImplementedError

    def render_loaded(self, models: Sequence[LoadedFacts]) -> Reply:
        """The answer to LOADED_MODELS."""
        raise NotImplementedError

    def render_version(self, wire: WireRequest) -> Reply:
        """The answer to VERSION."""
        raise NotImplementedError

    def render_health(self) -> Reply:
        """The answer to HEALTH, where all is well."""
        raise NotImplementedError

    def render_error(self, failure: Failure) -> Reply:
        """The answer to everything that went wrong, in this wire's own shape."""
        raise NotImplementedError


def optional_text(body: Json, name: str) -> str | None:
    """A string field, None when absent or null; raises InvalidRequestError."""
    value = body.get(name)
    if value is None or isinstance(value, str):
        return value
    raise InvalidRequestError(f"'{name}' must be a string", param=name)


def optional_integer(body: Json, name: str) -> int | None:
    """An integer field, None when absent or null; neither booleans nor 1.0 pass."""
    value = body.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise InvalidRequestError(f"'{name}' must be an integer", param=name)


def optional_boolean(body: Json, name: str) -> bool | None:
    """A boolean field, None when absent or null; numbers do not pass."""
    value = body.get(name)
    if value is None or isinstance(value, bool):
        return value
    raise InvalidRequestError(f"'{name}' must be a boolean", param=name)


def strings(value: object) -> tuple[str, ...] | None:
    """`value` as a tuple when it is a list of nothing but strings, else None."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    return None


def token_ids(value: object) -> tuple[int, ...] | None:
    """`value` as a tuple when it is a non-empty list of integers, else None."""
    if isinstance(value, list) and value and all(type(item) is int for item in value):
        return tuple(value)
    return None
