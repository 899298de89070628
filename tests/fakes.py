"""Stand-ins for what is slow or far away: they keep the contract, not the work."""

import hashlib

import numpy as np

from embeddings.engine.errors import InputTooLongError
from embeddings.engine.spec import (
    Call,
    Dense,
    Floats,
    Job,
    LoadedModel,
    ModelSpec,
    Output,
    Prepared,
    Sparse,
    SparseVector,
    TokenRow,
    Truncate,
)
from embeddings.engine.status import EngineStatus

SPECIAL_TOKENS = 2


class FakeEngine:
    """Vectors that depend on the text alone, and as many tokens as words, plus two.

    `failures` maps a method's name to what it raises instead of answering.
    """

    def __init__(self) -> None:
        self.failures: dict[str, Exception] = {}
        self.jobs: list[Job] = []
        self.calls: list[Call] = []
        self.loads: list[ModelSpec] = []
        self.unloads: list[ModelSpec] = []
        self.retries: list[ModelSpec] = []
        self.drained_s: float | None = None
        self.state = EngineStatus(
            models=(),
            loading=(),
            failed=(),
            memory_bytes=0,
            used_bytes=0,
            queued_texts=0,
            queued_tokens=0,
            streams=1,
            busy_streams=0,
            tokens_per_s=0.0,
            texts_total=0,
            tokens_total=0,
            batches_total=0,
            failed_total=0,
        )

    def prepare(self, job: Job) -> Prepared:
        """Count words; a text over the limit is cut or refused."""
        self._fail("prepare")
        self.jobs.append(job)
        limit = job.max_tokens or job.spec.max_tokens
        rows = (_row(job, index, limit) for index in range(len(job.inputs)))
        return Prepared(job, tuple(rows))

    def run(self, prepared: Prepared, call: Call) -> Dense | Sparse:
        """Unit vectors, or weights of the words, in the order of the texts."""
        self.calls.append(call)
        self._fail("run")
        job = prepared.job
        if job.output is Output.SPARSE:
            weights = tuple(weights_of(text, labels=job.labels) for text in job.inputs)
            return Sparse(vectors=weights, load_ns=1_000_000, run_ns=2_000_000)
        width = job.dimensions or job.spec.dimensions
        vectors = [vector_of(text, width) for text in job.inputs]
        return Dense(vectors=np.stack(vectors), load_ns=1_000_000, run_ns=2_000_000)

    def load(self, spec: ModelSpec, call: Call) -> int:
        """Nanoseconds."""
        self.calls.append(call)
        self._fail("load")
        self.loads.append(spec)
        return 3_000_000

    def loaded(self) -> tuple[LoadedModel, ...]:
        """What `state` says lies in memory."""
        return self.state.models

    def find(self, spec: ModelSpec) -> LoadedModel | None:
        """What `state` says lies in memory under this name."""
        return next((one for one in self.state.models if one.name == spec.name), None)

    def status(self) -> EngineStatus:
        """What `state` is set to."""
        return self.state

    def unload(self, spec: ModelSpec) -> bool:
        """Remember it; nothing lies in memory."""
        self.unloads.append(spec)
        return False

    def retry(self, spec: ModelSpec) -> bool:
        """Remember it; nothing failed."""
        self.retries.append(spec)
        return False

    def close(self, *, drain_s: float) -> None:
        """Remember how long it was given."""
        self.drained_s = drain_s

    def _fail(self, method: str) -> None:
        if method in self.failures:
            raise self.failures[method]


def vector_of(text: str | tuple[int, ...], width: int = 384) -> Floats:
    """The unit vector (width,) float32 that the fake gives a text."""
    seed = hashlib.sha256(repr(text).encode()).digest()
    numbers = np.random.default_rng(list(seed)).normal(size=width)
    unit: Floats = (numbers / np.linalg.norm(numbers)).astype(np.float32)
    return unit


def weights_of(text: str | tuple[int, ...], *, labels: bool = False) -> SparseVector:
    """The weights that the fake gives a text: its words' counts, by their length."""
    words = text.split() if isinstance(text, str) else []
    lengths = sorted({len(word) for word in words})
    counts = [sum(len(word) == length for word in words) for length in lengths]
    return SparseVector(
        indices=np.array(lengths, dtype=np.int64),
        values=np.array(counts, dtype=np.float32),
        labels=tuple(f"of {length}" for length in lengths) if labels else None,
    )


def tokens_of(text: str | tuple[int, ...]) -> int:
    """What the fake counts for a text that is not cut."""
    words = text.split() if isinstance(text, str) else text
    return len(words) + SPECIAL_TOKENS


def _row(job: Job, index: int, limit: int) -> TokenRow:
    tokens = tokens_of(job.inputs[index])
    is_too_long = tokens > limit
    if is_too_long and job.truncate is Truncate.ERROR:
        raise InputTooLongError(index=index, tokens=tokens, limit=limit)
    ids = np.zeros(min(tokens, limit), dtype=np.int64)
    return TokenRow(ids, is_truncated=is_too_long)
