"""Loaded models and their life: load once, keep alive, evict, never close in use."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.families.base import Model
from embeddings.engine.memory import ASK_AGAIN_S, Memory
from embeddings.engine.resident import Resident, again
from embeddings.engine.spec import Call, LoadedModel, ModelSpec
from embeddings.engine.status import FailedModel
from embeddings.engine.waiting import wait

logger = logging.getLogger(__name__)

#: What the pool's thread rests after a failure of its own.
REST_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStatus:
    """What is in memory, as `EngineStatus` tells it."""

    models: tuple[LoadedModel, ...]
    loading: tuple[str, ...]
    failed: tuple[FailedModel, ...]
    memory_bytes: int
    used_bytes: int
    loads_total: int
    unloads_total: int


class ModelPool:
    """Models by key within a budget of memory, which is reserved before a file is read.

    One thread loads, one model at a time: loading changes state of the whole process.
    The lock is never held while a model loads, runs or closes. `size_of` tells a
    model's bytes, `open_model` reads it, `is_out_of_memory` judges what that raised;
    `clock` is in seconds.
    """

    def __init__(
        self,
        *,
        memory_bytes: int,
        keep_alive_s: float,
        device: str,
        size_of: Callable[[ModelSpec], int],
        open_model: Callable[[ModelSpec], Model],
        is_out_of_memory: Callable[[BaseException], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._device = device
        self._size_of = size_of
        self._open_model = open_model
        self._is_out_of_memory = is_out_of_memory
        self._clock = clock
        self._changed = threading.Condition()
        self._memory = Memory(
            budget_bytes=memory_bytes, keep_alive_s=keep_alive_s, clock=clock
        )
        self._is_closed = False
        self._thread: threading.Thread | None = None

    @contextmanager
    def lease(self, spec: ModelSpec, call: Call) -> Iterator[Resident]:
        """The loaded model, held until the context ends; loads it if need be.

        Raises `ModelUnavailableError`, `DeadlineError`, `CancelledError`.
        """
        resident = self._enter(spec, call)
        try:
            wait(resident.ready, call, what=f"loading {spec.name}")
            if resident.error is not None:
                error = resident.error
                raise again(error, retry_after_s=error.retry_after_s)
            yield resident
        finally:
            self.release(resident)

    def has(self, spec: ModelSpec) -> bool:
        """Whether the model is in memory, or on its way there."""
        with self._changed:
            return spec.key in self._memory.residents

    def find(self, spec: ModelSpec) -> LoadedModel | None:
        """The model as it is in memory; None while it is not."""
        with self._changed:
            found = self._memory.residents.get(spec.key)
            if found is None or found.loaded is None:
                return None
            return found.facts(self._clock(), device=self._device)

    def status(self) -> PoolStatus:
        """What is in memory now."""
        with self._changed:
            now, memory = self._clock(), self._memory
            residents = memory.residents.values()
            return PoolStatus(
                models=tuple(
                    one.facts(now, device=self._device)
                    for one in residents
                    if one.loaded is not None
                ),
                loading=tuple(one.spec.name for one in residents if one.loaded is None),
                failed=memory.failed.facts(),
                memory_bytes=memory.budget_bytes,
                used_bytes=memory.used_bytes,
                loads_total=memory.loads_total,
                unloads_total=memory.unloads_total,
            )

    def hold(self, resident: Resident) -> bool:
        """Keep a model from being closed; False where that comes too late."""
        with self._changed:
            if resident.is_open:
                resident.uses += 1
            return resident.is_open

    def release(self, resident: Resident) -> None:
        """End one hold; the last one starts the model's keep-alive."""
        with self._changed:
            resident.uses -= 1
            if not resident.uses:
                resident.used_at = self._clock()
                self._changed.notify_all()

    def unload(self, spec: ModelSpec) -> bool:
        """Close a model as soon as nobody uses it; whether it was in memory.

        Requests that come meanwhile load it anew.
        """
        with self._changed:
            resident = self._memory.residents.get(spec.key)
            if resident is None or resident.loaded is None:
                return False
            self._memory.drain(resident)
            self._wake()
            return True

    def retry(self, spec: ModelSpec) -> bool:
        """Let the next request try a failed load at once; whether it had failed."""
        with self._changed:
            return self._memory.failed.forget(spec.key)

    def evict_idle(self) -> None:
        """Close all that nobody uses now, for those who need the memory."""
        with self._changed:
            idle = self._memory.take_idle()
        self._close(idle)

    def close(self, *, timeout_s: float) -> None:
        """Refuse new requests, fail those that wait for a load, close what is idle."""
        with self._changed:
            self._is_closed = True
            self._memory.give_up_all("the server is shutting down")
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _enter(self, spec: ModelSpec, call: Call) -> Resident:
        """The key's one resident, with a use counted for the caller."""
        with self._changed:
            found = self._find(spec, call)
        if found is not None:
            return found
        # Reads the folder, hence without the lock.
        size_bytes = self._size_of(spec)
        with self._changed:
            found = self._find(spec, call)
            if found is None:
                self._memory.check_size(spec, size_bytes)
                found = self._memory.ask(spec, size_bytes=size_bytes)
                found.use(call, now=self._clock())
                self._wake()
            return found

    def _find(self, spec: ModelSpec, call: Call) -> Resident | None:
        """The key's resident, used; None where it has to be asked for."""
        if self._is_closed:
            raise ModelUnavailableError("the server is shutting down")
        found = self._memory.residents.get(spec.key)
        if found is None:
            self._memory.failed.check(spec.key)
            return None
        found.use(call, now=self._clock())
        if not found.ready.is_set():
            self._wake()
        return found

    def _wake(self) -> None:
        """Have the pool's thread look at what there is to do, whatever became of it."""
        if self._thread is None or not self._thread.is_alive():
            name = "model-pool"
            self._thread = threading.Thread(target=self._work, name=name, daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _work(self) -> None:
        is_over = False
        while not is_over:
            try:
                is_over = self._turn()
            # The thread outlives any bug; what failed is tried again.
            except BaseException:
                logger.exception("the pool failed outside of a model")
                with self._changed:
                    self._changed.wait(REST_S)

    def _turn(self) -> bool:
        """Do what there is to do, or wait; whether nothing will ever come."""
        with self._changed:
            if self._is_closed:
                closing = self._memory.take_idle()
                loading = None
                if not closing and self._memory.is_empty:
                    return True
            else:
                step = self._memory.next_step()
                closing, loading = step.closing, step.loading
            if not closing and loading is None:
                self._changed.wait(self._memory.pause_s())
        # What is closed gives its memory back before anything is read.
        self._close(closing)
        if loading is not None:
            self._load(loading)
        return False

    def _close(self, residents: Iterable[Resident]) -> None:
        for resident in residents:
            try:
                resident.model.close()
            except Exception:
                logger.exception("closing %s failed", resident.spec.name)
            with self._changed:
                self._memory.closed(resident)
                self._changed.notify_all()
            logger.info("%s was unloaded", resident.spec.name)

    def _load(self, resident: Resident) -> None:
        """Read a model, once more without the idle ones where memory was lacking."""
        started = self._clock()
        made = self._read(resident.spec)
        # The error's frames are gone by now: they would pin what had been read.
        if isinstance(made, _Failure) and not made.is_lasting:
            self.evict_idle()
            made = self._read(resident.spec)
        with self._changed:
            if isinstance(made, _Failure):
                is_lasting = made.is_lasting
                self._memory.not_loaded(resident, made.error, is_lasting=is_lasting)
            else:
                load_s = self._clock() - started
                self._memory.loaded(resident, made, load_s=load_s)
            self._changed.notify_all()

    def _read(self, spec: ModelSpec) -> "Model | _Failure":
        try:
            return self._open_model(spec)
        except ModelUnavailableError as refusal:
            logger.warning("%s cannot be loaded: %s", spec.name, refusal)
            return _Failure(refusal)
        # A panic in Rust is no Exception, and those who wait must be told.
        except BaseException as error:
            logger.exception("%s cannot be loaded", spec.name)
            if not self._is_out_of_memory(error):
                return _Failure(ModelUnavailableError(f"{spec.name} cannot be loaded"))
        reason = ModelUnavailableError(
            f"no memory for {spec.name} now", retry_after_s=ASK_AGAIN_S
        )
        return _Failure(reason, is_lasting=False)


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a model could not be read, and whether trying again soon is of no use."""

    error: ModelUnavailableError
    is_lasting: bool = True
