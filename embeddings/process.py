"""The one engine of this process, made on first use, after the fork."""

import threading
import time

from django.conf import settings

from accounts.authentication import Caller
from embeddings import metrics
from embeddings.catalog.lookup import CatalogEntry, entries_of, entry_of
from embeddings.catalog.providers import clear_trouble, note_trouble
from embeddings.engine import Engine, EngineConfig, Hooks
from embeddings.engine.errors import OverloadedError
from embeddings.engine.spec import Call, Endpoint, Job, LoadedModel
from embeddings.engine.status import EngineStatus
from embeddings.models import EmbeddingModel
from embeddings.types import LoadedFacts

PROBE_TIMEOUT_S = 60.0
PROBE_TEXT = "ready"
#: Whose calls the platform's own are.
PLATFORM = ""

_lock = threading.Lock()
_engine: Engine | None = None


def get_engine() -> Engine:
    """This process's engine."""
    global _engine  # noqa: PLW0603 - one per process is the point
    with _lock:
        if _engine is None:
            _engine = Engine(
                EngineConfig(
                    memory_bytes=settings.ENGINE_MEMORY_MB * 2**20,
                    streams=settings.ENGINE_STREAMS,
                    threads=settings.ENGINE_THREADS,
                    batch_tokens=settings.ENGINE_BATCH_TOKENS,
                    queue_tokens=settings.ENGINE_QUEUE_TOKENS,
                    keep_alive_s=settings.KEEP_ALIVE_S,
                    device=settings.ENGINE_DEVICE,
                    runtime=settings.ENGINE_RUNTIME,
                    cache_folder=settings.ENGINE_CACHE_DIR,
                ),
                hooks=Hooks(
                    on_rejected=_rejected,
                    on_answered=_answered,
                    on_call=_called,
                    on_retry=_retried,
                ),
            )
        return _engine


def close(*, drain_s: float) -> None:
    """Stop admitting, finish what runs within `drain_s`, fail the rest."""
    global _engine
    with _lock:
        engine, _engine = _engine, None
    if engine is not None:
        engine.close(drain_s=drain_s)


def stop_admission(drain_s: float) -> None:
    """Refuse new work from now on, and fail what has not ended after `drain_s`."""
    get_engine().close(drain_s=drain_s)


def status() -> EngineStatus | None:
    """The engine's state at this moment; None before its first use."""
    engine = _engine
    return engine.status() if engine is not None else None


def loaded_of(caller: Caller) -> tuple[LoadedFacts, ...]:
    """The models in memory, of those that `caller` may use, by canonical name.

    The engine is asked about the caller's models alone, so that nobody sees others'.
    """
    engine = _engine
    if engine is None:
        return ()
    return tuple(
        _loaded_facts(entry, found)
        for entry in entries_of(caller)
        if entry.spec is not None and (found := engine.find(entry.spec)) is not None
    )


def _loaded_facts(entry: CatalogEntry, found: LoadedModel) -> LoadedFacts:
    left_s = found.expires_in_s
    return LoadedFacts(
        model=entry.described(),
        bytes=found.bytes,
        is_on_gpu=found.device != "cpu",
        expires_at=None if left_s is None else time.time() + left_s,
    )


def trouble() -> str:
    """Why this process should get no requests; empty where it should."""
    engine = _engine
    return engine.status().trouble if engine is not None else ""


def is_lost() -> bool:
    """Whether only a new process can serve again."""
    engine = _engine
    return engine is not None and engine.status().is_lost


def probe() -> None:
    """Embed one word with a model that lies on this machine; raises when that fails.

    A platform without any such model passes: it can serve what it has, and a provider
    is asked, and paid, for tenants alone. A process whose
    device is lost, or whose batches hang, does not.
    """
    if found := trouble():
        raise OverloadedError(found, retry_after_s=PROBE_TIMEOUT_S)
    ours = EmbeddingModel.objects.enabled().filter(provider__isnull=True)
    entries = map(entry_of, ours.order_by("pk"))
    spec = next((entry.spec for entry in entries if entry.spec is not None), None)
    if spec is None:
        return
    engine = get_engine()
    deadline = time.monotonic() + PROBE_TIMEOUT_S
    prepared = engine.prepare(Job(spec=spec, inputs=(PROBE_TEXT,)))
    engine.run(prepared, Call(tenant=PLATFORM, deadline=deadline))


def _called(endpoint: Endpoint, outcome: str, seconds: float) -> None:
    metrics.called_provider(
        provider=endpoint.provider, outcome=outcome, seconds=seconds
    )


def _retried(endpoint: Endpoint) -> None:
    metrics.PROVIDER_RETRIES.labels(endpoint.provider).inc()


def _answered(endpoint: Endpoint) -> None:
    clear_trouble(endpoint.provider_id)


def _rejected(endpoint: Endpoint, status: int) -> None:
    note_trouble(endpoint.provider_id, status)
    metrics.PROVIDER_REJECTIONS.labels(endpoint.provider, str(status)).inc()
