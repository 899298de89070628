"""The engine: one per process; its threads start with the first use."""

import importlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import ModuleType

from embeddings.engine import manifest
from embeddings.engine.batcher import LAST_MOMENT_S, Batcher
from embeddings.engine.config import EngineConfig
from embeddings.engine.errors import InvalidInputError, ModelUnavailableError
from embeddings.engine.families import family_named
from embeddings.engine.families.base import Model
from embeddings.engine.pool import ModelPool
from embeddings.engine.providers import Providers
from embeddings.engine.remote.hooks import Hooks
from embeddings.engine.spec import (
    Call,
    Dense,
    Job,
    LoadedModel,
    ModelSpec,
    Output,
    Prepared,
    Sparse,
    SparseVector,
    Vector,
)
from embeddings.engine.status import EngineStatus
from embeddings.engine.tokenizer_cache import TokenizerCache
from embeddings.engine.vectors import finish, stack


class Engine:
    """Texts to vectors, for any number of threads at once."""

    def __init__(
        self,
        config: EngineConfig,
        *,
        hooks: Hooks | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        config = config.resolved()
        self._providers = Providers(hooks or Hooks())
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
            is_out_of_memory=_is_out_of_memory,
            clock=clock,
        )
        self._batcher = Batcher(
            self._pool,
            streams=config.streams,
            batch_tokens=config.batch_tokens,
            queue_tokens=config.queue_tokens,
            is_device_lost=_is_device_lost,
            clock=clock,
        )

    def prepare(self, job: Job) -> Prepared:
        """Tokenize, count, cut or refuse; needs the tokenizer's file, no weights.

        Of texts for somebody else's model, tokens are bounded instead.

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
        if job.spec.endpoint is not None:
            return self._providers.prepare(job, job.spec.endpoint)
        tokenizer = self._tokenizers.get(job.spec)
        return Prepared(job, tokenizer.rows(job))

    def count(self, job: Job, call: Call) -> int | None:
        """What the provider of somebody else's model counts; None: it counts nothing.

        Raises as `run` does; ValueError for a model of this machine.
        """
        if job.spec.endpoint is None:
            raise ValueError("prepare() counts the tokens of models of this machine")
        self._providers.prepare(job, job.spec.endpoint)
        return self._providers.count(job, call, job.spec.endpoint)

    def run(self, prepared: Prepared, call: Call) -> Dense | Sparse:
        """Vectors in the order of the texts; loads the model where it has to.

        Raises `ModelUnavailableError`, `OverloadedError`, `DeadlineError`,
        `CancelledError`, `ForwardError`, and what `Providers` raises.
        """
        job = prepared.job
        if job.spec.endpoint is not None:
            return self._providers.embed(prepared, call, job.spec.endpoint)
        started_ns = time.perf_counter_ns()
        self._batcher.check()
        with self._pool.lease(job.spec, call) as resident:
            loaded_ns = time.perf_counter_ns()
            raw = self._batcher.submit(resident, prepared.rows, call)
            normalize = resident.model.is_normalized
        if job.normalize is not None:
            normalize = job.normalize
        load_ns = loaded_ns - started_ns
        if job.output is Output.SPARSE:
            sparse = self._labelled(job, raw)
            run_ns = time.perf_counter_ns() - loaded_ns
            return Sparse(vectors=sparse, load_ns=load_ns, run_ns=run_ns)
        vectors = finish(
            stack(raw, width=job.spec.dimensions),
            dimensions=job.dimensions or job.spec.dimensions,
            normalize=normalize,
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

        A keep-alive of 0 unloads it as soon as it is idle, and loads nothing. Somebody
        else's model is never in memory. Raises
        `ModelUnavailableError`, `DeadlineError`, `CancelledError`.
        """
        is_unload = call.keep_alive_s == 0 and not self._pool.has(spec)
        if is_unload or spec.endpoint is not None:
            return 0
        started_ns = time.perf_counter_ns()
        with self._pool.lease(spec, call):
            return time.perf_counter_ns() - started_ns

    def loaded(self) -> tuple[LoadedModel, ...]:
        """The models in memory."""
        return self._pool.status().models

    def find(self, spec: ModelSpec) -> LoadedModel | None:
        """A model as it is in memory, whatever name it was loaded by, or None."""
        return self._pool.find(spec)

    def status(self) -> EngineStatus:
        """Memory, queue and totals at this moment."""
        pool, queue = self._pool.status(), self._batcher.status()
        tally = queue.tally
        return EngineStatus(
            models=pool.models,
            loading=pool.loading,
            failed=pool.failed,
            memory_bytes=pool.memory_bytes,
            used_bytes=pool.used_bytes,
            queued_texts=queue.queued_texts,
            queued_tokens=queue.queued_tokens,
            streams=self._config.streams,
            busy_streams=queue.busy_streams,
            tokens_per_s=tally.tokens_per_s,
            texts_total=tally.texts,
            tokens_total=tally.tokens,
            batches_total=tally.batches,
            failed_total=tally.failed,
            padded_tokens_total=tally.padded_tokens,
            mismatched_total=tally.mismatched,
            out_of_memory_total=tally.out_of_memory,
            loads_total=pool.loads_total,
            unloads_total=pool.unloads_total,
            trouble=queue.trouble,
            is_lost=queue.is_lost,
        )

    def unload(self, spec: ModelSpec) -> bool:
        """Take a model out of memory once nobody uses it; whether it was there.

        Requests that come meanwhile load it anew.
        """
        return self._pool.unload(spec)

    def retry(self, spec: ModelSpec) -> bool:
        """Let the next request try a failed load at once; whether it had failed."""
        return self._pool.retry(spec)

    def close(self, *, drain_s: float) -> None:
        """Refuse new work, let what is queued end, fail the rest; safe to repeat."""
        ends_at = time.monotonic() + drain_s
        self._batcher.close(drain_s=drain_s)
        self._providers.close(drain_s=max(0.0, ends_at - time.monotonic()))
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
        try:
            model = family_named(spec.family).load(spec, self._config.placement())
        except Exception as error:
            if _is_device_lost(error):
                self._batcher.lose(str(error))
            raise
        if model.dimensions < spec.dimensions:
            found = model.dimensions
            model.close()
            raise ModelUnavailableError(
                f"{spec.name} makes vectors of {found} dimensions, not of the "
                f"{spec.dimensions} it is registered with"
            )
        return model


def _is_out_of_memory(error: BaseException) -> bool:
    # Torch is imported with the families, by the first use.
    return bool(_torch().is_out_of_memory(error))


def _is_device_lost(error: BaseException) -> bool:
    return bool(_torch().is_device_lost(error))


def _torch() -> ModuleType:
    return importlib.import_module("embeddings.engine.runtimes.torch")
