"""Loaded models and their life: load once, keep alive, evict, never close in use."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.families.base import Model
from embeddings.engine.resident import FailedLoads, Resident, again
from embeddings.engine.spec import Call, Key, LoadedModel, ModelSpec
from embeddings.engine.waiting import wait

logger = logging.getLogger(__name__)

#: A load that waited so long for memory drains a model in use: no new requests for it.
DRAIN_AFTER_S = 5.0


class ModelPool:
    """Models by key within a budget of memory, which is reserved before a file is read.

    One thread loads and closes, one model at a time: loading changes state of the
    whole process. The lock is never held while a model loads, runs or closes.
    `size_of` tells a model's bytes, `open_model` reads it; `clock` is in seconds.
    """

    def __init__(
        self,
        *,
        memory_bytes: int,
        keep_alive_s: float,
        device: str,
        size_of: Callable[[ModelSpec], int],
        open_model: Callable[[ModelSpec], Model],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._memory_bytes = memory_bytes
        self._keep_alive_s = keep_alive_s
        self._device = device
        self._size_of = size_of
        self._open_model = open_model
        self._clock = clock
        self._changed = threading.Condition()
        #: Those that take new requests.
        self._residents: dict[Key, Resident] = {}
        #: Those that wait for memory, oldest first.
        self._waiting: list[Resident] = []
        #: Those whose memory is counted, from before their load until after their end.
        self._counted: list[Resident] = []
        self._failed = FailedLoads(clock)
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
            return spec.key in self._residents

    def loaded(self) -> tuple[LoadedModel, ...]:
        """The models in memory."""
        with self._changed:
            return tuple(
                resident.facts(self._clock(), device=self._device)
                for resident in self._residents.values()
                if resident.loaded is not None
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

    def sweep(self) -> None:
        """Close what nobody uses and has outlived its keep-alive."""
        with self._changed:
            ripe = self._take_ripe()
        self._close(ripe)

    def close(self, *, timeout_s: float) -> None:
        """Refuse new requests, fail those that wait for a load, close what is idle."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _enter(self, spec: ModelSpec, call: Call) -> Resident:
        """The key's one resident, with a use counted for the caller."""
        size_bytes = None if self.has(spec) else self._checked_size(spec)
        with self._changed:
            if self._is_closed:
                raise ModelUnavailableError("the server is shutting down")
            found = self._residents.get(spec.key)
            if found is None:
                self._failed.check(spec.key)
                # It may have left memory since it was looked for.
                size_bytes = size_bytes or self._checked_size(spec)
                found = self._ask_for(spec, size_bytes)
            if call.keep_alive_s is not None:
                found.keep_alive_s = call.keep_alive_s
            found.uses += 1
            return found

    def _checked_size(self, spec: ModelSpec) -> int:
        size_bytes = self._size_of(spec)
        if size_bytes > self._memory_bytes:
            raise ModelUnavailableError(
                f"{spec.name} needs {size_bytes >> 20} MiB of memory, "
                f"models may use {self._memory_bytes >> 20} MiB"
            )
        return size_bytes

    def _ask_for(self, spec: ModelSpec, size_bytes: int) -> Resident:
        resident = Resident(
            spec=spec,
            size_bytes=size_bytes,
            keep_alive_s=self._keep_alive_s,
            asked_at=self._clock(),
        )
        self._residents[spec.key] = resident
        self._waiting.append(resident)
        if self._thread is None:
            name = "model-pool"
            self._thread = threading.Thread(target=self._work, name=name, daemon=True)
            self._thread.start()
        self._changed.notify_all()
        return resident

    def _work(self) -> None:
        while True:
            with self._changed:
                closing = self._take_ripe()
                loading = None
                if not closing:
                    loading, closing = self._next_step()
                if not closing and loading is None:
                    if self._is_closed and not self._counted:
                        return
                    self._changed.wait(self._pause_s())
            # What is closed gives its memory back before anything is read.
            self._close(closing)
            if loading is not None:
                self._load(loading)

    def _take_ripe(self) -> list[Resident]:
        now = self._clock()
        ripe = [
            one
            for one in self._counted
            if one.is_idle
            and (one.is_draining or self._is_closed or one.expires_in_s(now) == 0)
        ]
        for one in ripe:
            self._take_out(one)
        return ripe

    def _take_out(self, resident: Resident) -> None:
        resident.is_open = False
        if self._residents.get(resident.spec.key) is resident:
            del self._residents[resident.spec.key]

    def _next_step(self) -> tuple[Resident | None, list[Resident]]:
        """What is to be loaded now, or else closed to make room."""
        for resident in list(self._waiting):
            if self._is_closed or not resident.uses:
                self._give_up(resident)
                continue
            free = self._memory_bytes - sum(one.size_bytes for one in self._counted)
            if resident.size_bytes <= free:
                self._waiting.remove(resident)
                self._counted.append(resident)
                return resident, []
            idle = [one for one in self._residents.values() if one.is_idle]
            if resident.size_bytes <= free + sum(one.size_bytes for one in idle):
                victim = min(idle, key=lambda one: one.used_at)
                self._take_out(victim)
                return None, [victim]
            if self._clock() >= resident.asked_at + DRAIN_AFTER_S:
                self._drain_one()
                # Smaller models that came later must not take what is being freed.
                break
        return None, []

    def _give_up(self, resident: Resident) -> None:
        self._waiting.remove(resident)
        self._take_out(resident)
        resident.error = ModelUnavailableError("the server is shutting down")
        resident.ready.set()

    def _drain_one(self) -> None:
        if any(one.is_draining and one.is_open for one in self._counted):
            return
        ready = [one for one in self._residents.values() if one.loaded is not None]
        if ready:
            oldest = min(ready, key=lambda one: one.used_at)
            oldest.is_draining = True
            del self._residents[oldest.spec.key]
            self._changed.notify_all()

    def _pause_s(self) -> float | None:
        """Seconds until time alone makes something to do; None: it never does."""
        now = self._clock()
        expiries = (one.expires_in_s(now) for one in self._counted if one.is_idle)
        pauses = [left_s for left_s in expiries if left_s is not None]
        pauses += [
            max(0.1, one.asked_at + DRAIN_AFTER_S - now) for one in self._waiting
        ]
        return min(pauses, default=None)

    def _close(self, residents: list[Resident]) -> None:
        for resident in residents:
            try:
                resident.model.close()
            except Exception:
                logger.exception("closing %s failed", resident.spec.name)
            resident.loaded = None
            with self._changed:
                self._counted.remove(resident)
                self._changed.notify_all()
            logger.info("%s was unloaded", resident.spec.name)

    def _load(self, resident: Resident) -> None:
        name = resident.spec.name
        model, error = None, None
        try:
            model = self._open_model(resident.spec)
        except ModelUnavailableError as reason:
            logger.warning("%s cannot be loaded: %s", name, reason)
            error = reason
        # A panic in Rust is no Exception, and those who wait must be told.
        except BaseException:
            logger.exception("%s cannot be loaded", name)
            error = ModelUnavailableError(f"{name} cannot be loaded")
        with self._changed:
            if error is None:
                resident.loaded = model
                resident.used_at = self._clock()
                self._failed.forget(resident.spec.key)
            else:
                self._counted.remove(resident)
                self._take_out(resident)
                resident.error = self._failed.add(resident.spec.key, error)
            self._changed.notify_all()
        resident.ready.set()
