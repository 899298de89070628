"""The engine: one per process; its threads start with the first use."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from embeddings.engine import manifest
from embeddings.engine.batcher import LAST_MOMENT_S, Batcher
from embeddings.engine.errors import InvalidInputError, ModelUnavailableError
from embeddings.engine.families import family_named
from embeddings.engine.families.base import Model
from embeddings.engine.pool import ModelPool
from embeddings.engine.spec import (
    Call,
    Dense,
    Job,
    LoadedModel,
    ModelSpec,
    Output,
    Placement,
    Prepared,
    Sparse,
    SparseVector,
    Vector,
)
from embeddings.engine.tokenizer_cache import TokenizerCache
from embeddings.engine.vectors import finish, stack

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
        self._tokenizers = TokenizerCache(
            lambda spec: family_named(spec.family).tokenizer(spec)
        )
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
        if job.output not in job.spec.outputs:
            raise InvalidInputError(
                f"{job.spec.name} makes no {job.output.value} embeddings"
            )
        asked = job.dimensions
        if asked is not None and not 1 <= asked <= job.spec.dimensions:
            raise InvalidInputError(
                f"dimensions must be 1 to {job.spec.dimensions}, not {asked}"
            )
        tokenizer = self._tokenizers.get(job.spec)
        return Prepared(job, tokenizer.rows(job))

    def run(self, prepared: Prepared, call: Call) -> Dense | Sparse:
        """Vectors in the order of the texts; loads the model where it has to.

        Raises `ModelUnavailableError`, `OverloadedError`, `DeadlineError`,
        `CancelledError`, `ForwardError`.
        """
        job = prepared.job
        started_ns = time.perf_counter_ns()
        with self._pool.lease(job.spec, call) as resident:
            loaded_ns = time.perf_counter_ns()
            raw = self._batcher.submit(resident, prepared.rows, call)
            is_normalized = resident.model.is_normalized
        load_ns = loaded_ns - started_ns
        if job.output is Output.SPARSE:
            sparse = self._labelled(job, raw)
            run_ns = time.perf_counter_ns() - loaded_ns
            return Sparse(vectors=sparse, load_ns=load_ns, run_ns=run_ns)
        vectors = finish(
            stack(raw, width=job.spec.dimensions),
            dimensions=job.dimensions or job.spec.dimensions,
            normalize=is_normalized,
        )
        run_ns = time.perf_counter_ns() - loaded_ns
        return Dense(vectors=vectors, load_ns=load_ns, run_ns=run_ns)

    def _labelled(self, job: Job, raw: Sequence[Vector]) -> tuple[SparseVector, ...]:
        """Sparse vectors, with the words of their indices where those are wanted."""
        vectors = tuple(one for one in raw if isinstance(one, SparseVector))
        if not job.labels:
            return vectors
        tokenizer = self._tokenizers.get(job.spec)
        return tuple(
            replace(one, labels=tokenizer.labels(given, one.indices.tolist()))
            for given, one in zip(job.inputs, vectors, strict=True)
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
        family = family_named(spec.family)
        return family.estimate_bytes(spec, batch_tokens=tokens)

    def _open(self, spec: ModelSpec) -> Model:
        manifest.check_files(spec.source)
        if spec.fingerprint and manifest.fingerprint(spec.source) != spec.fingerprint:
            raise ModelUnavailableError(
                f"the files of {spec.name} are not those that were registered"
            )
        placement = Placement(device=self._config.device, threads=self._config.threads)
        model = family_named(spec.family).load(spec, placement)
        if model.dimensions < spec.dimensions:
            found = model.dimensions
            model.close()
            raise ModelUnavailableError(
                f"{spec.name} makes vectors of {found} dimensions, not of the "
                f"{spec.dimensions} it is registered with"
            )
        return model
