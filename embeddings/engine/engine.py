"""The engine: one per process; its threads start with the first use."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from embeddings.engine import manifest
from embeddings.engine.batcher import LAST_MOMENT_S, Batcher
from embeddings.engine.errors import InvalidInputError, ModelUnavailableError
from embeddings.engine.families import all_families
from embeddings.engine.families.base import Family, Model, Placement
from embeddings.engine.pool import ModelPool
from embeddings.engine.spec import (
    Call,
    Dense,
    Floats,
    Job,
    LoadedModel,
    ModelSpec,
    Prepared,
)
from embeddings.engine.tokenization import Tokenizers

#: Padded tokens per batch beyond which a CPU gains nothing and its caches lose.
CPU_BATCH_TOKENS = 2048
#: Streams beyond which Python's own lock is what they wait for.
MOST_STREAMS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """What the engine may use; 0 streams or threads are chosen from the cores.

    A stream runs one batch at a time on `threads` threads: one wide team collapses as
    soon as something else wants a core, so there are many streams of few threads.
    `batch_tokens` counts padding and is what one batch may have at most;
    `queue_tokens` bounds what waits. `keep_alive_s` as in `Call`, for models whose
    callers ask for nothing else.
    """

    memory_bytes: int = 4 << 30
    streams: int = 0
    threads: int = 0
    batch_tokens: int = 16_384
    queue_tokens: int = 4_000_000
    keep_alive_s: float = 300.0
    device: str = "cpu"

    def resolved(self) -> "EngineConfig":
        """The same with streams, threads and batch size as they will be used."""
        if self.device != "cpu":
            return replace(self, streams=self.streams or 1, threads=self.threads or 1)
        cores = len(os.sched_getaffinity(0))
        streams = self.streams or max(1, cores // (self.threads or 1))
        streams = min(streams, self.streams or MOST_STREAMS)
        return replace(
            self,
            streams=streams,
            threads=self.threads or max(1, cores // streams),
            batch_tokens=min(self.batch_tokens, CPU_BATCH_TOKENS),
        )


class Engine:
    """Texts to vectors, for any number of threads at once."""

    def __init__(
        self, config: EngineConfig, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        config = config.resolved()
        self._config = config
        self._tokenizers = Tokenizers()
        self._pool = ModelPool(
            memory_bytes=config.memory_bytes,
            keep_alive_s=config.keep_alive_s,
            device=config.device,
            size_of=self._size,
            open_model=self._open,
            clock=clock,
        )
        self._batcher = Batcher(
            self._pool,
            streams=config.streams,
            batch_tokens=config.batch_tokens,
            queue_tokens=config.queue_tokens,
        )

    def prepare(self, job: Job) -> Prepared:
        """Tokenize, count, cut or refuse; needs the tokenizer's file, no weights.

        Raises `InputTooLongError`, `InvalidInputError`, `ModelUnavailableError`.
        """
        asked = job.dimensions
        if asked is not None and not 1 <= asked <= job.spec.dimensions:
            raise InvalidInputError(
                f"dimensions must be 1 to {job.spec.dimensions}, not {asked}"
            )
        tokenizer = self._tokenizers.get(job.spec.source)
        return Prepared(job, tokenizer.rows(job))

    def run(self, prepared: Prepared, call: Call) -> Dense:
        """Vectors in the order of the texts; loads the model where it has to.

        Raises `ModelUnavailableError`, `OverloadedError`, `DeadlineError`,
        `CancelledError`, `ForwardError`.
        """
        job = prepared.job
        started_ns = time.perf_counter_ns()
        with self._pool.lease(job.spec, call) as resident:
            loaded_ns = time.perf_counter_ns()
            raw = self._batcher.submit(resident, prepared.rows, call)
            vectors = finish(
                raw,
                dimensions=job.dimensions or job.spec.dimensions,
                normalize=resident.model.is_normalized,
            )
        return Dense(
            vectors=vectors,
            load_ns=loaded_ns - started_ns,
            run_ns=time.perf_counter_ns() - loaded_ns,
        )

    def load(self, spec: ModelSpec, call: Call) -> int:
        """Bring a model into memory, or set its keep-alive; nanoseconds spent.

        A keep-alive of 0 unloads it as soon as it is idle, and loads nothing. Raises
        `ModelUnavailableError`, `DeadlineError`, `CancelledError`.
        """
        if call.keep_alive_s == 0 and not self._pool.has(spec):
            return 0
        started_ns = time.perf_counter_ns()
        with self._pool.lease(spec, call):
            return time.perf_counter_ns() - started_ns

    def loaded(self) -> tuple[LoadedModel, ...]:
        """The models in memory."""
        return self._pool.loaded()

    def close(self, *, drain_s: float) -> None:
        """Refuse new work, let what is queued end, fail the rest; safe to repeat."""
        ends_at = time.monotonic() + drain_s
        self._batcher.close(drain_s=drain_s)
        left_s = ends_at - time.monotonic()
        self._pool.close(timeout_s=max(LAST_MOMENT_S, left_s))

    def _size(self, spec: ModelSpec) -> int:
        tokens = self._config.batch_tokens * self._config.streams
        return _family(spec).estimate_bytes(spec, batch_tokens=tokens)

    def _open(self, spec: ModelSpec) -> Model:
        manifest.check_files(spec.source)
        if spec.fingerprint and manifest.fingerprint(spec.source) != spec.fingerprint:
            raise ModelUnavailableError(
                f"the files of {spec.name} are not those that were registered"
            )
        placement = Placement(device=self._config.device, threads=self._config.threads)
        model = _family(spec).load(spec, placement)
        if model.dimensions < spec.dimensions:
            found = model.dimensions
            model.close()
            raise ModelUnavailableError(
                f"{spec.name} makes vectors of {found} dimensions, not of the "
                f"{spec.dimensions} it is registered with"
            )
        return model


def finish(raw: Floats, *, dimensions: int, normalize: bool) -> Floats:
    """Vectors (texts, dimensions) of raw ones: cut, then of unit length.

    A cut vector is always brought to unit length, a whole one where `normalize` says.
    A zero vector stays zero.
    """
    is_cut = dimensions < raw.shape[1]
    vectors = np.ascontiguousarray(raw[:, :dimensions], dtype=np.float32)
    if is_cut or normalize:
        squares = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
        lengths = np.maximum(np.sqrt(squares), 1e-12)
        vectors = (vectors / lengths[:, np.newaxis]).astype(np.float32)
    return vectors


def _family(spec: ModelSpec) -> Family:
    for family in all_families():
        if family.name == spec.family:
            return family
    raise ModelUnavailableError(f"models of the family {spec.family} are not supported")
