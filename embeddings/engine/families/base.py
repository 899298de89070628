"""What a model family offers: it knows a kind of folder and makes models of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from embeddings.engine.spec import Floats, FolderFacts, ModelSpec, TokenRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a model computes: a device's name, and CPU threads per batch."""

    device: str = "cpu"
    threads: int = 1


class Model(Protocol):
    """Loaded weights; several threads may embed at once."""

    dimensions: int
    is_normalized: bool

    def embed(self, rows: Sequence[TokenRow]) -> Floats:
        """Vectors (rows, dimensions) float32, unnormalised, perhaps not finite.

        Raises whatever the model raises.
        """
        ...

    def is_out_of_memory(self, error: BaseException) -> bool:
        """Whether a smaller batch may succeed where this error came."""
        ...

    def close(self) -> None:
        """Give the memory back; nothing may be embedded afterwards."""
        ...


class Family(Protocol):
    """One way to read a folder."""

    name: str

    def matches(self, folder: Path) -> bool:
        """Whether the folder's files are of this family; reads no weights."""
        ...

    def inspect(self, folder: Path) -> FolderFacts:
        """Load the folder's model, try it, and tell its facts.

        Raises `ModelUnavailableError`, with the reason, where it must not be served.
        """
        ...

    def estimate_bytes(self, spec: ModelSpec, *, batch_tokens: int) -> int:
        """Memory the model needs, with one batch of so many tokens in work."""
        ...

    def load(self, spec: ModelSpec, placement: Placement) -> Model:
        """Read the weights; raises `ModelUnavailableError` with a reason to show."""
        ...
