"""What a model is, what is asked of it, and what comes back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
TokenIds = npt.NDArray[np.int64]


class Output(StrEnum):
    """The shape of an embedding."""

    DENSE = "dense"
    SPARSE = "sparse"


class Role(StrEnum):
    """What a text is for; it selects the model's prompt."""

    NONE = "none"
    QUERY = "query"
    DOCUMENT = "document"


class Truncate(StrEnum):
    """What happens to a text that is too long: refuse, cut its end, cut its start."""

    ERROR = "error"
    END = "end"
    START = "start"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """Everything the engine must know of a model; `key` says which specs share weights.

    `prompts` maps role names to prefixes, the empty name being the default for roles
    without one; `instruction_template` holds `{instruction}` and `{text}`, empty where
    the model ignores instructions. `max_tokens` counts the special tokens.
    `fingerprint`, where given, must be that of the folder's files at load.
    """

    name: str
    source: Path
    family: str
    output: Output
    dimensions: int
    max_tokens: int
    context_tokens: int | None = None
    prompts: Mapping[str, str] = field(default_factory=dict, hash=False)
    instruction_template: str = ""
    include_prompt: bool = True
    precision: str = "float32"
    fingerprint: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Two specs with one key are one set of loaded weights."""
        return (str(self.source), self.family, self.precision)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Texts (or lists of the model's own token ids) to embed, and how.

    `instruction` None leaves the prompt to `role` and the model; the empty string
    asks for none. `max_tokens` replaces the model's limit, up to its context.
    """

    spec: ModelSpec
    inputs: tuple[str | tuple[int, ...], ...]
    role: Role = Role.NONE
    instruction: str | None = None
    truncate: Truncate = Truncate.ERROR
    dimensions: int | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One tokenized text: ids with specials (tokens,) int64, and leading positions
    left out of pooling."""

    ids: TokenIds
    skip: int = 0
    is_truncated: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """A job whose texts are tokenized, counted and within the model's limit."""

    job: Job
    rows: tuple[TokenRow, ...]

    @property
    def tokens(self) -> tuple[int, ...]:
        """Tokens per text as the model will see them, specials included."""
        return tuple(len(row.ids) for row in self.rows)

    @property
    def truncated(self) -> tuple[bool, ...]:
        """Which texts were cut."""
        return tuple(row.is_truncated for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Who waits for a job, how long, and how its model is kept.

    `tenant` is the unit of fairness, `weight` its share. `deadline` is of
    `time.monotonic()`. `is_gone` is asked now and then whether the caller still
    listens. `keep_alive_s`: None keeps the model's present setting, 0 unloads when
    idle, negative keeps for ever.
    """

    tenant: str
    deadline: float
    weight: float = 1.0
    keep_alive_s: float | None = None
    is_gone: Callable[[], bool] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dense:
    """Vectors (texts, dimensions) float32, C-contiguous, in the order of the texts."""

    vectors: Floats
    load_ns: int
    run_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """One model in memory, as shown to operators."""

    name: str
    device: str
    bytes: int
    expires_in_s: float | None
    in_use: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderFacts:
    """What a model folder says of itself once it has been checked and tried.

    `dimensions` is the length of the vectors it makes by default; `prompts` as in
    `ModelSpec`; `fingerprint` is the SHA-256 (hex) of the files' names and contents.
    """

    family: str
    output: Output
    dimensions: int
    max_tokens: int
    prompts: Mapping[str, str]
    include_prompt: bool
    fingerprint: str
