"""The pipeline's value objects: what a wire asks, and what it is given to answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from accounts.quotas import Standing
from embeddings.engine.anatomy import Anatomy
from embeddings.engine.spec import Floats, Output, Role, SparseVector, Truncate


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingRequest:
    """One call, as every wire means it.

    `model` is the name the caller used, None where the wire names none. `truncate` is
    the caller's own wish and `wire_truncate` what the wire does without one; the
    catalog's policy stands between the two. `ignores_odd_dimensions` answers sizes the
    model does not offer with full vectors (Ollama's rule). `loads_only` asks for the
    model and embeds nothing. `keep_alive_s` as in `Call`. `task` and `target` name an
    instruction of the task table, where `instruction` is None. `prompt_name` and
    `normalize` as in `Job`. `variant` is the wire's own mark of how it was asked, for
    where that changes the answer's shape. `refusal` says, in the wire's words, why it
    is refused once its model is known.
    """

    model: str | None
    inputs: tuple[str | tuple[int, ...], ...]
    role: Role = Role.NONE
    instruction: str | None = None
    task: str | None = None
    target: str | None = None
    prompt_name: str | None = None
    dimensions: int | None = None
    normalize: bool | None = None
    ignores_odd_dimensions: bool = False
    truncate: Truncate | None = None
    wire_truncate: Truncate = Truncate.ERROR
    max_tokens: int | None = None
    output: Output = Output.DENSE
    encodings: tuple[str, ...] = ("float",)
    labels: bool = False
    keep_alive_s: float | None = None
    loads_only: bool = False
    variant: str = ""
    refusal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingResult:
    """Vectors (texts, dimensions) float32 and their facts, in the order of the inputs.

    Where sparse vectors were asked for, they are in `sparse`, and `vectors` is empty.
    `model` is the name the caller used; `tokens` counts what the model processed per
    text; `created_at` is in Unix seconds. `standings` are the caller's quotas after it.
    A replay was billed before, under the caller's Idempotency-Key. Of somebody else's
    model often only the `billed_tokens` of all texts are known; `tokens` is empty then.
    """

    request_id: str
    created_at: float
    model: str
    vectors: Floats
    sparse: tuple[SparseVector, ...] = ()
    tokens: tuple[int, ...]
    truncated: tuple[bool, ...]
    load_ns: int
    total_ns: int
    is_instruction_ignored: bool = False
    standings: tuple[Standing, ...] = ()
    is_replay: bool = False
    billed_tokens: int | None = None

    @property
    def total_tokens(self) -> int:
        """Tokens of all texts: the figure that is billed."""
        if self.billed_tokens is not None:
            return self.billed_tokens
        return sum(self.tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """A model as the catalog shows it to a caller; `created_at` in Unix seconds.

    `max_tokens` is what a text is cut to, `context_tokens` what a caller may ask for.
    `digest` is the fingerprint of its files, empty where none was taken.
    `max_texts` are what one request of this caller may hold, where that was asked.
    """

    name: str
    created_at: int
    owner: str
    dimensions: int
    max_tokens: int
    outputs: frozenset[Output]
    max_texts: int | None = None
    context_tokens: int | None = None
    family: str = ""
    precision: str = ""
    digest: str = ""
    anatomy: Anatomy = field(default_factory=Anatomy)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedFacts:
    """A model in this process's memory, as shown to a caller who may use it.

    `expires_at` is in Unix seconds; None: never by time.
    """

    model: ModelFacts
    bytes: int
    is_on_gpu: bool
    expires_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error on its way to a wire: `code` is one of `embeddings.errors.ErrorCode`.

    `operation` is what the route was for, empty where no route was found.
    """

    status: int
    code: str
    message: str
    request_id: str
    retry_after_s: float | None = None
    model: str | None = None
    param: str | None = None
    operation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A wire's answer; `body` is JSON-able (arrays included) or ready bytes."""

    body: object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


class ErrorShape(Protocol):
    """What writes errors as its clients read them: a dialect, for one."""

    def render_error(self, failure: Failure) -> Reply:
        """The answer to what went wrong."""
