"""An engine at one moment, as operators see it."""

from dataclasses import dataclass

from embeddings.engine.spec import LoadedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedModel:
    """A model whose load failed, and when it may be tried again."""

    name: str
    error: str
    retry_in_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStatus:
    """One engine at one moment, as shown to operators.

    `loading` names models on their way into memory. `used_bytes` are reserved of
    `memory_bytes`. `tokens_per_s` is the recent speed of one stream. The totals count
    since the engine was made: texts embedded, their tokens, those tokens with their
    batches' padding, batches, texts that failed, batches that came back with too few
    or too many vectors or ran out of memory, loads and unloads. `trouble` says why the
    engine should get no requests, empty while it should; `is_lost` that only a new
    process can serve again.
    """

    models: tuple[LoadedModel, ...]
    loading: tuple[str, ...]
    failed: tuple[FailedModel, ...]
    memory_bytes: int
    used_bytes: int
    queued_texts: int
    queued_tokens: int
    streams: int
    busy_streams: int
    tokens_per_s: float
    texts_total: int
    tokens_total: int
    batches_total: int
    failed_total: int
    padded_tokens_total: int = 0
    mismatched_total: int = 0
    out_of_memory_total: int = 0
    loads_total: int = 0
    unloads_total: int = 0
    trouble: str = ""
    is_lost: bool = False
