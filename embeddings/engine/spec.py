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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SparseVector:
    """Weights by index: indices (n,) int64, ascending and distinct; values (n,)
    float32. `labels` are the indices' own words, where they were asked for."""

    indices: TokenIds
    values: Floats
    labels: tuple[str, ...] | None = None


#: What comes of one text: values (dimensions,) float32, or weights by index.
Vector = Floats | SparseVector


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
class Endpoint:
    """Where a provider's models answer, and how they may be asked.

    `backend` names what speaks its wire; `url` is empty for the vendor's own.
    `provider_id` is what calls are counted by, of which `concurrency` run at once.
    `attempts` are tries of one call in all, `timeout_s` bounds each. `allowed_hosts`
    may be asked though their addresses are private, or without TLS.
    """

    provider_id: int
    provider: str
    backend: str
    url: str = ""
    secret: str = field(default="", repr=False)
    options: Mapping[str, str] = field(default_factory=dict, hash=False)
    timeout_s: float = 30.0
    attempts: int = 3
    concurrency: int = 8
    allowed_hosts: frozenset[str] = frozenset()


#: Source, family, precision and route: what makes two sets of weights differ.
Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """Everything the engine must know of a model; `key` says which specs share weights.

    `prompts` maps role names to prefixes, the empty name being the default for roles
    without one; `instruction_template` holds `{instruction}` and `{text}`, empty where
    the model ignores instructions. `max_tokens` counts the special tokens. `route`
    names one encoder of a folder that holds several. `fingerprint`, where given, must
    be that of the folder's files at load. With an `endpoint` the model
    is somebody else's, `remote_name` its name there, and `source` leads nowhere.
    """

    name: str
    source: Path
    family: str
    outputs: frozenset[Output]
    dimensions: int
    max_tokens: int
    context_tokens: int | None = None
    prompts: Mapping[str, str] = field(default_factory=dict, hash=False)
    instruction_template: str = ""
    include_prompt: bool = True
    precision: str = "float32"
    route: str = ""
    fingerprint: str = ""
    endpoint: Endpoint | None = None
    remote_name: str = ""

    @property
    def key(self) -> Key:
        """Two specs with one key are one set of loaded weights."""
        return (str(self.source), self.family, self.precision, self.route)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a model computes: a device's name, and how much of a CPU.

    `threads` are torch's for each batch; `cores` are for all batches together, in as
    many `teams` of OpenVINO's, each of which runs one batch.
    `conversions` is where networks are kept as OpenVINO reads them; None leaves every
    network to torch.
    """

    device: str = "cpu"
    threads: int = 1
    cores: int = 1
    teams: int = 1
    conversions: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Texts (or lists of the model's own token ids) to embed, and how.

    `instruction` None leaves the prompt to `role` and the model; the empty string
    asks for none. `prompt_name` goes before both: it is one of the model's own prompts.
    `max_tokens` replaces the model's limit, up to its context. `normalize` None leaves
    the length of whole vectors to the model. `labels` asks for the words of sparse
    indices.
    """

    spec: ModelSpec
    inputs: tuple[str | tuple[int, ...], ...]
    role: Role = Role.NONE
    instruction: str | None = None
    prompt_name: str | None = None
    truncate: Truncate = Truncate.ERROR
    dimensions: int | None = None
    normalize: bool | None = None
    max_tokens: int | None = None
    output: Output = Output.DENSE
    labels: bool = False


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One tokenized text: ids with specials (tokens,) int64, leading positions left
    out of pooling, and what is to be made of it."""

    ids: TokenIds
    skip: int = 0
    is_truncated: bool = False
    output: Output = Output.DENSE


@dataclass(frozen=True, slots=True)
class Prepared:
    """A job whose texts are tokenized, counted and within the model's limit.

    Texts for somebody else's model have no rows, but `bounds`: tokens that each can
    have at most.
    """

    job: Job
    rows: tuple[TokenRow, ...]
    bounds: tuple[int, ...] = ()

    @property
    def tokens(self) -> tuple[int, ...]:
        """Tokens per text as the model will see them, specials included; none of
        somebody else's model."""
        return tuple(len(row.ids) for row in self.rows)

    @property
    def most_tokens(self) -> int:
        """What all texts have together, at most where only that is known."""
        return sum(self.bounds or self.tokens)

    @property
    def truncated(self) -> tuple[bool, ...]:
        """Which texts were cut here."""
        if self.bounds:
            return (False,) * len(self.bounds)
        return tuple(row.is_truncated for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Who waits for a job, how long, and how its model is kept.

    `tenant` is the unit of fairness, `weight` its share; the empty name is the
    platform's own. `deadline` is of `time.monotonic()`. `is_gone` is asked now and
    then whether the caller still listens. `keep_alive_s`: None keeps the model's
    present setting, 0 unloads when idle, negative keeps for ever; what would shorten
    it counts only where no other tenant used the model lately. `is_batch` lets others
    go first, for a while.
    """

    tenant: str
    deadline: float
    weight: float = 1.0
    keep_alive_s: float | None = None
    is_gone: Callable[[], bool] | None = None
    is_batch: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dense:
    """Vectors (texts, dimensions) float32, C-contiguous, in the order of the texts.

    `tokens` is what somebody else's model counted for all texts, or their bound where
    nobody could (`is_estimated`); None: the preparation's count stands.
    """

    vectors: Floats
    load_ns: int
    run_ns: int
    tokens: int | None = None
    is_estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sparse:
    """One sparse vector per text, in the order of the texts."""

    vectors: tuple[SparseVector, ...]
    load_ns: int
    run_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """One model in memory, as shown to operators.

    `in_use` counts those that hold it now, `requests` all that ever did. `runtime` is
    what runs it: torch or openvino. `expires_in_s` None: never by time.
    """

    name: str
    device: str
    bytes: int
    expires_in_s: float | None
    in_use: int
    runtime: str = ""
    precision: str = ""
    requests: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderFacts:
    """What a model folder says of itself once it has been checked and tried.

    `dimensions` is the length of the vectors it makes by default; `prompts` and
    `route` are as in `ModelSpec`; `instruction_template` is the family's usual one;
    `fingerprint` is the SHA-256 (hex) of the files' names and contents.
    """

    family: str
    outputs: frozenset[Output]
    dimensions: int
    max_tokens: int
    prompts: Mapping[str, str]
    include_prompt: bool
    fingerprint: str
    instruction_template: str = ""
    route: str = ""
