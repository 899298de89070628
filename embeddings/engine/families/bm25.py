"""BM25 as Chroma's own function computes it: words are stemmed, hashed and weighed.

Source: chromadb's ChromaBm25EmbeddingFunction. There are no weights; a folder holds the
settings in bm25.json.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import mmh3
import numpy as np
import snowballstemmer

from embeddings.engine import manifest
from embeddings.engine.errors import (
    InputTooLongError,
    InvalidInputError,
    ModelUnavailableError,
)
from embeddings.engine.spec import (
    FolderFacts,
    Job,
    ModelSpec,
    Output,
    Placement,
    SparseVector,
    TokenRow,
    Truncate,
)
from embeddings.engine.tokenization import check_characters

SETTINGS = "bm25.json"
#: Hashes are absolute values of 32-bit numbers.
DIMENSIONS = 2**31 - 1
#: Nothing is too long for it; this bounds what one text may cost.
MAX_TOKENS = 65_536
#: A text of this many characters per token of its limit has words enough.
CHARACTERS_PER_TOKEN = 250
#: Words whose stems are remembered: stemming is slow, and most words come again.
REMEMBERED = 1 << 16
NEITHER_WORD_NOR_SPACE = re.compile(r"[^\w\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """bm25.json: the formula's numbers, and which words count."""

    language: str
    k: float
    b: float
    average_length: float
    longest_word: int
    stop_words: frozenset[str] = field(repr=False)


class Stems:
    """Texts to hashed stems and back; a token is a word that is no stop word."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stem = lru_cache(REMEMBERED)(partial(_stem, settings.language))

    def rows(self, job: Job) -> tuple[TokenRow, ...]:
        """The indices of each text's stems, in the order of the text.

        Raises `InputTooLongError`, `InvalidInputError`.
        """
        limit = job.max_tokens or job.spec.max_tokens
        return tuple(
            self._row(given, index, limit=limit, job=job)
            for index, given in enumerate(job.inputs)
        )

    def labels(
        self, given: str | Sequence[int], indices: Sequence[int]
    ) -> tuple[str, ...]:
        """The stem of each index, the first one of the text where several share it."""
        words: dict[int, str] = {}
        for stem in self._stems(given) if isinstance(given, str) else ():
            words.setdefault(index_of(stem), stem)
        return tuple(words.get(index, "") for index in indices)

    def _row(
        self, given: str | Sequence[int], index: int, *, limit: int, job: Job
    ) -> TokenRow:
        if not isinstance(given, str):
            raise InvalidInputError(f"{job.spec.name} takes texts, not token ids")
        if len(given) > CHARACTERS_PER_TOKEN * limit:
            raise InputTooLongError(
                index=index,
                tokens=len(given),
                limit=CHARACTERS_PER_TOKEN * limit,
                unit="characters",
            )
        check_characters(given, index)
        ids = [index_of(stem) for stem in self._stems(given)]
        excess = len(ids) - limit
        if excess > 0:
            if job.truncate is Truncate.ERROR:
                raise InputTooLongError(index=index, tokens=len(ids), limit=limit)
            ids = ids[excess:] if job.truncate is Truncate.START else ids[:limit]
        return TokenRow(
            np.array(ids, dtype=np.int64),
            is_truncated=excess > 0,
            output=job.output,
        )

    def _stems(self, text: str) -> list[str]:
        words = NEITHER_WORD_NOR_SPACE.sub(" ", text).lower().split()
        stems = (
            self._stem(word)
            for word in words
            if word not in self._settings.stop_words
            and len(word) <= self._settings.longest_word
        )
        return [stem for stem in stems if stem]


class Bm25Model:
    """The formula; it has no memory of texts."""

    runtime = "python"
    dimensions = DIMENSIONS
    is_normalized = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def embed(self, rows: Sequence[TokenRow]) -> list[SparseVector]:
        """A weight per distinct stem of each row; a row without stems is empty."""
        return [self._weigh(row) for row in rows]

    def _weigh(self, row: TokenRow) -> SparseVector:
        indices, counts = np.unique(row.ids, return_counts=True)
        settings = self._settings
        relative = len(row.ids) / settings.average_length
        damping = settings.k * (1 - settings.b + settings.b * relative)
        values = counts * (settings.k + 1) / (counts + damping)
        return SparseVector(indices=indices, values=values.astype(np.float32))

    def is_out_of_memory(self, error: BaseException) -> bool:
        """Whether a smaller batch may succeed where this error came."""
        return isinstance(error, MemoryError)

    def close(self) -> None:
        """Nothing is held."""


class Bm25Family:
    """Folders with a bm25.json."""

    name = "bm25"

    def matches(self, folder: Path) -> bool:
        """Whether there is a bm25.json."""
        return (folder / SETTINGS).is_file()

    def inspect(self, folder: Path, *, route: str = "") -> FolderFacts:  # noqa: ARG002
        """The folder's facts; raises `ModelUnavailableError` for bad settings."""
        _read(folder)
        return FolderFacts(
            family=self.name,
            outputs=frozenset({Output.SPARSE}),
            dimensions=DIMENSIONS,
            max_tokens=MAX_TOKENS,
            prompts={},
            include_prompt=True,
            fingerprint=manifest.fingerprint(folder),
        )

    def tokenizer(self, spec: ModelSpec) -> Stems:
        """The stems of the folder's language."""
        return Stems(_read(spec.source))

    def estimate_bytes(self, spec: ModelSpec, *, batch_tokens: int) -> int:  # noqa: ARG002
        """A few arrays as long as a batch."""
        return 32 * batch_tokens

    def load(self, spec: ModelSpec, placement: Placement) -> Bm25Model:  # noqa: ARG002
        """The formula with the folder's numbers."""
        return Bm25Model(_read(spec.source))


def _stem(language: str, word: str) -> str:
    # A stemmer keeps the word it works on: it is no object to share.
    stem: str = snowballstemmer.stemmer(language).stemWord(word)
    return stem.strip()


def index_of(stem: str) -> int:
    """The absolute value of MurmurHash3 (x86, 32 bits, seed 0) of a stem."""
    return abs(mmh3.hash(stem))


def _read(folder: Path) -> Settings:
    facts = manifest.read_mapping(folder / SETTINGS)
    try:
        settings = Settings(
            language=str(facts["language"]),
            k=_positive(facts["k"]),
            b=_positive(facts["b"]),
            average_length=_positive(facts["average_length"]),
            longest_word=int(_positive(facts["longest_word"])),
            stop_words=frozenset(str(word).lower() for word in facts["stop_words"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelUnavailableError(f"{SETTINGS} lacks or garbles {error}") from error
    if settings.language not in snowballstemmer.algorithms():
        raise ModelUnavailableError(f"there is no stemmer for {settings.language}")
    return settings


def _positive(value: Any) -> float:
    if not isinstance(value, int | float) or not value > 0:
        raise ValueError(value)
    return float(value)


FAMILY = Bm25Family()
