"""What a model family offers: it knows a kind of folder and makes models of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from embeddings.engine.spec import (
    FolderFacts,
    Job,
    ModelSpec,
    Placement,
    TokenRow,
    Vector,
)


class TextTokenizer(Protocol):
    """Texts to token rows, and indices back to words; shared between threads."""

    def rows(self, job: Job) -> tuple[TokenRow, ...]:
        """The job's texts as the model will see them, in order.

        Raises `InputTooLongError`, `InvalidInputError`.
        """
        ...

    def labels(
        self, given: str | Sequence[int], indices: Sequence[int]
    ) -> tuple[str, ...]:
        """The word of each index of the sparse vector that one input became."""
        ...


class Model(Protocol):
    """Loaded weights; several threads may embed at once."""

    dimensions: int
    is_normalized: bool

    def embed(self, rows: Sequence[TokenRow]) -> Sequence[Vector]:
        """What each row asks for, in order, perhaps not finite.

        Dense vectors are (dimensions,) float32 and unnormalised. Raises whatever the
        model raises.
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
        """Whether the folder's files are of this family; reads no weights.

        Exactly one family claims a folder; one that claims none is named by operators.
        """
        ...

    def inspect(self, folder: Path, *, route: str = "") -> FolderFacts:
        """Load the folder's model, try it, and tell its facts.

        Raises `ModelUnavailableError`, with the reason, where it must not be served.
        """
        ...

    def tokenizer(self, spec: ModelSpec) -> TextTokenizer:
        """The model's tokenizer; raises `ModelUnavailableError` where it has none."""
        ...

    def estimate_bytes(self, spec: ModelSpec, *, batch_tokens: int) -> int:
        """Memory the model needs, with one batch of so many tokens in work."""
        ...

    def load(self, spec: ModelSpec, placement: Placement) -> Model:
        """Read the weights; raises `ModelUnavailableError` with a reason to show."""
        ...
