"""What is measured, of whom: contenders, rows of the table, figures, texts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from embeddings.engine.spec import Floats, ModelSpec


class Row(StrEnum):
    """One thing that contenders are asked to do."""

    BULK = "bulk"
    SHORT = "short"
    REQUEST = "request"
    CLIENTS = "clients"
    LONG = "long"
    CEILING = "ceiling"


class Figure(StrEnum):
    """One number of a contender, its unit in the name."""

    BULK = "texts_per_s"
    TOKENS = "tokens_per_s"
    SHORT = "short_ms"
    REQUEST = "request_ms"
    CLIENTS = "requests_per_s"
    CLIENTS_P50 = "p50_ms"
    CLIENTS_P99 = "p99_ms"
    FEW = "few_ns_per_token"
    MANY = "many_ns_per_token"
    FEW_PEAK = "few_peak_bytes"
    MANY_PEAK = "many_peak_bytes"
    FLOAT32 = "float32_gflops"
    BFLOAT16 = "bfloat16_gflops"


class Kind(StrEnum):
    """What a contender is made of."""

    ENGINE = "engine"
    ENCODE = "encode"
    CEILING = "ceiling"
    SERVER = "server"
    INFINITY = "infinity"


#: Rows that each kind can be asked for.
ROWS = {
    Kind.ENGINE: frozenset({Row.BULK, Row.SHORT, Row.REQUEST, Row.LONG}),
    Kind.ENCODE: frozenset({Row.BULK, Row.SHORT, Row.REQUEST}),
    Kind.CEILING: frozenset({Row.CEILING}),
    Kind.SERVER: frozenset({Row.BULK, Row.SHORT, Row.REQUEST, Row.CLIENTS}),
    Kind.INFINITY: frozenset({Row.BULK, Row.SHORT, Row.REQUEST, Row.CLIENTS}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One line of the table; `lacks` says why it cannot be measured here.

    `processes` is for servers: how many share the work. `cache_folder` is the
    engine's.
    """

    name: str
    kind: Kind
    runtime: str = ""
    precision: str = "float32"
    device: str = "cpu"
    processes: int = 1
    cache_folder: Path | None = None
    lacks: str = ""

    @property
    def agreement(self) -> float:
        """The least cosine to `encode`'s vectors that its precision allows."""
        return 0.9999 if self.precision == "float32" else 0.999


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """The texts of a run, and how long each row takes.

    `paragraphs` are the bulk, and `request_texts` of them one request; a short text is
    timed `short_repeats` times and a request `request_repeats` times a round; so many
    `clients` at once send short texts for `clients_s` seconds. `few` and `many` are
    the text counts of the long row; `side` is that of the big matrix product. `tokens`
    are those of each paragraph.
    """

    paragraphs: tuple[str, ...]
    tokens: tuple[int, ...]
    short: tuple[str, ...]
    request_texts: int = 256
    request_repeats: int = 3
    short_repeats: int = 200
    clients: int = 32
    clients_s: float = 4.0
    few: int = 1_000
    many: int = 100_000
    side: int = 4096

    def quick(self) -> "Workload":
        """The same texts in seconds: enough to see that everything works."""
        return replace(
            self,
            request_texts=8,
            request_repeats=1,
            short_repeats=5,
            clients=4,
            clients_s=0.5,
            few=16,
            many=32,
            side=256,
        )

    @property
    def request(self) -> tuple[str, ...]:
        """The texts of one large request."""
        return self.paragraphs[: self.request_texts]

    @property
    def requests(self) -> tuple[tuple[str, ...], ...]:
        """The bulk in requests of that size."""
        size = self.request_texts
        starts = range(0, len(self.paragraphs), size)
        return tuple(self.paragraphs[start : start + size] for start in starts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The model that all contenders run: its spec and the arithmetic of a token.

    `parameters` are those that each token is multiplied with; `layers` and `width`
    make the part that grows with a text's length.
    """

    spec: ModelSpec
    parameters: int
    layers: int
    width: int

    def flops(self, tokens: int) -> int:
        """Floating-point operations of one text of so many tokens."""
        attention = 4 * self.layers * self.width * tokens
        return tokens * (2 * self.parameters + attention)


class Contestant(Protocol):
    """A contender that can be asked; each raises its own kind of failure."""

    contender: Contender

    @property
    def pids(self) -> tuple[int, ...]:
        """Its processes, as far as they are known."""
        ...

    @property
    def peak_bytes(self) -> int | None:
        """The most memory they have had together."""
        ...

    def prepare(self, workload: Workload) -> None:
        """Take the texts over and be ready."""
        ...

    def measure(self, row: Row) -> dict[Figure, float]:
        """The figures of one row, measured once."""
        ...

    def vectors(self, texts: Sequence[str]) -> Floats:
        """Vectors (texts, dimensions) in the order of the texts."""
        ...

    def close(self) -> None:
        """End what it started."""
        ...
