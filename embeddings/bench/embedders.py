"""What embeds inside a contender's own process: the engine, or encode."""

import importlib
import itertools
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

import numpy as np

from embeddings.bench.machine import peak_bytes
from embeddings.bench.plan import Contender, Figure, Kind, Row, Subject, Workload
from embeddings.engine import Call, Engine, EngineConfig, Job, Truncate
from embeddings.engine.spec import Dense, Floats, ModelSpec

#: A job may take long on a small machine, and nobody else waits.
TIMEOUT_S = 3600.0


class Embedder(Protocol):
    """Texts to vectors, as a caller in this process would have it done."""

    def embed(self, texts: Sequence[str]) -> Floats:
        """Vectors (texts, dimensions) in the order of the texts."""
        ...


class EngineEmbedder:
    """The platform's own engine, with the streams it chooses by itself."""

    def __init__(self, contender: Contender, spec: ModelSpec) -> None:
        self._spec = replace(spec, precision=contender.precision)
        self._runtime = contender.runtime
        config = EngineConfig(
            runtime=contender.runtime,
            device=contender.device,
            cache_folder=contender.cache_folder,
            keep_alive_s=-1,
        )
        self._engine = Engine(config)

    def embed(self, texts: Sequence[str]) -> Floats:
        """Tokenize, then run, as the server does."""
        job = Job(spec=self._spec, inputs=tuple(texts), truncate=Truncate.END)
        prepared = self._engine.prepare(job)
        deadline = time.monotonic() + TIMEOUT_S
        made = self._engine.run(prepared, Call(tenant="bench", deadline=deadline))
        if not isinstance(made, Dense):
            raise TypeError(f"{self._spec.name} makes no dense vectors")
        for model in self._engine.loaded():
            # The engine would fall back on torch, with a warning.
            if model.runtime != self._runtime:
                raise ValueError(f"{model.runtime} ran it, not {self._runtime}")
        return made.vectors


class EncodeEmbedder:
    """sentence-transformers with its defaults."""

    def __init__(self, contender: Contender, spec: ModelSpec) -> None:
        # Only here: its import takes a while.
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415

        logging: Any = importlib.import_module("transformers.utils.logging")
        logging.disable_progress_bar()
        self._model: Any = SentenceTransformer(
            str(spec.source), device=contender.device, local_files_only=True
        )

    def embed(self, texts: Sequence[str]) -> Floats:
        """A list of texts, or the one text alone."""
        found = self._model.encode(list(texts), show_progress_bar=False)
        return np.asarray(found, dtype=np.float32)


def measure_embedder(
    embedder: Embedder, row: Row, workload: Workload
) -> dict[Figure, float]:
    """The figures of one row, once."""
    match row:
        case Row.BULK:
            seconds = timed(lambda: embedder.embed(workload.paragraphs))
            return {
                Figure.BULK: len(workload.paragraphs) / seconds,
                Figure.TOKENS: sum(workload.tokens) / seconds,
            }
        case Row.SHORT:
            texts = itertools.islice(
                itertools.cycle(workload.short), workload.short_repeats
            )
            times = [timed(partial(embedder.embed, [text])) for text in texts]
            return {Figure.SHORT: 1e3 * statistics.median(times)}
        case Row.REQUEST:
            times = [
                timed(lambda: embedder.embed(workload.request))
                for _ in range(workload.request_repeats)
            ]
            return {Figure.REQUEST: 1e3 * statistics.median(times)}
        case Row.LONG:
            return _measure_long(embedder, workload)
        case _:
            raise ValueError(f"{row} is no row of embedders")


def _measure_long(embedder: Embedder, workload: Workload) -> dict[Figure, float]:
    """Time per token and peak memory after few texts, and after many."""
    figures = {}
    for count, speed, peak in (
        (workload.few, Figure.FEW, Figure.FEW_PEAK),
        (workload.many, Figure.MANY, Figure.MANY_PEAK),
    ):
        seconds, tokens = 0.0, 0
        for texts in _blocks(workload, count):
            seconds += timed(partial(embedder.embed, texts))
            tokens += sum(workload.tokens[: len(texts)])
        figures[speed] = 1e9 * seconds / tokens
        figures[peak] = float(peak_bytes(os.getpid()) or 0)
    return figures


def _blocks(workload: Workload, count: int) -> Iterator[tuple[str, ...]]:
    size = len(workload.paragraphs)
    for start in range(0, count, size):
        yield workload.paragraphs[: min(size, count - start)]


def timed(action: Callable[[], object]) -> float:
    """Seconds that an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def make_embedder(contender: Contender, subject: Subject) -> Embedder:
    """The contender's embedder, its model not yet loaded."""
    if contender.kind is Kind.ENCODE:
        return EncodeEmbedder(contender, subject.spec)
    return EngineEmbedder(contender, subject.spec)
