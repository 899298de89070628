"""Which model is loaded, closed or drained next, within a budget. No threads."""

from collections.abc import Callable
from dataclasses import dataclass

from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.families.base import Model
from embeddings.engine.resident import FailedLoads, Resident, again
from embeddings.engine.spec import Key, ModelSpec

#: A load that waited so long for memory drains a model in use: no new requests for it.
DRAIN_AFTER_S = 5.0
#: A load that waited so long for memory is given up.
LOAD_WAIT_S = 30.0
#: When those whose load was given up may ask again.
ASK_AGAIN_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is to be done next: close some models, or else load one."""

    loading: Resident | None = None
    closing: tuple[Resident, ...] = ()


class Memory:
    """Models within a budget of bytes; the caller holds the lock.

    A load's bytes are reserved before a file is read, and free once the model has been
    closed. What waits for memory takes it from idle models, the least recently used
    first, and after a while from one in use; smaller models that fit go first until
    then.
    """

    def __init__(
        self, *, budget_bytes: int, keep_alive_s: float, clock: Callable[[], float]
    ) -> None:
        self.budget_bytes = budget_bytes
        #: Those that take new requests.
        self.residents: dict[Key, Resident] = {}
        self.failed = FailedLoads(clock)
        self.loads_total = 0
        self.unloads_total = 0
        self._keep_alive_s = keep_alive_s
        self._clock = clock
        #: Those that wait for memory, oldest first.
        self._waiting: list[Resident] = []
        #: Those whose memory is counted, from before their load until after their end.
        self._counted: list[Resident] = []

    @property
    def used_bytes(self) -> int:
        """Bytes reserved."""
        return sum(one.size_bytes for one in self._counted)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to load and nothing to close."""
        return not self._counted and not self._waiting

    def check_size(self, spec: ModelSpec, size_bytes: int) -> None:
        """Raise `ModelUnavailableError` where the model can never fit."""
        if size_bytes > self.budget_bytes:
            raise ModelUnavailableError(
                f"{spec.name} needs {size_bytes >> 20} MiB of memory, "
                f"models may use {self.budget_bytes >> 20} MiB"
            )

    def ask(self, spec: ModelSpec, *, size_bytes: int) -> Resident:
        """Let a model wait for its memory."""
        resident = Resident(
            spec=spec,
            size_bytes=size_bytes,
            keep_alive_s=self._keep_alive_s,
            asked_at=self._clock(),
        )
        self.residents[spec.key] = resident
        self._waiting.append(resident)
        return resident

    def next_step(self) -> Step:
        """What there is to do; gives up on loads that nobody waits for."""
        if ripe := self.take_ripe():
            return Step(closing=ripe)
        now = self._clock()
        for resident in list(self._waiting):
            if not resident.uses:
                self._give_up(resident, "nobody waits for the load")
                continue
            free = self.budget_bytes - self.used_bytes
            if resident.size_bytes <= free:
                self._waiting.remove(resident)
                self._counted.append(resident)
                return Step(loading=resident)
            idle = [one for one in self._idle() if one.stays_until <= now]
            if resident.size_bytes <= free + sum(one.size_bytes for one in idle):
                victim = min(idle, key=lambda one: one.used_at)
                return Step(closing=self._take(victim))
            if now >= resident.asked_at + LOAD_WAIT_S:
                name = resident.spec.name
                self._give_up(resident, f"no memory for {name} now")
            elif now >= resident.asked_at + DRAIN_AFTER_S:
                self._drain_one(now)
                # Smaller models that came later must not take what is being freed.
                break
        return Step()

    def take_ripe(self) -> tuple[Resident, ...]:
        """Those to be closed: idle, and drained or past their keep-alive."""
        now = self._clock()
        return self._take(
            *(
                one
                for one in self._idle()
                if one.is_draining or one.expires_in_s(now) == 0
            )
        )

    def take_idle(self) -> tuple[Resident, ...]:
        """All that nobody uses, to be closed."""
        return self._take(*self._idle())

    def drain(self, resident: Resident) -> None:
        """Send new requests to a model of their own; this one ends with its last."""
        resident.is_draining = True
        self._take_out(resident)

    def give_up_all(self, reason: str) -> None:
        """Fail every load that waits for memory."""
        for resident in list(self._waiting):
            self._give_up(resident, reason)

    def loaded(self, resident: Resident, model: Model, *, load_s: float) -> None:
        """A load succeeded."""
        resident.begin(model, now=self._clock(), load_s=load_s)
        self.failed.forget(resident.spec.key)
        self.loads_total += 1
        resident.ready.set()

    def not_loaded(
        self, resident: Resident, error: ModelUnavailableError, *, is_lasting: bool
    ) -> None:
        """A load failed, for a reason that lasts or only for now."""
        self._counted.remove(resident)
        self._take_out(resident)
        if is_lasting:
            error = self.failed.add(resident.spec, error)
        resident.error = error
        resident.ready.set()

    def closed(self, resident: Resident) -> None:
        """A model has given its memory back."""
        resident.loaded = None
        self._counted.remove(resident)
        self.unloads_total += 1

    def pause_s(self) -> float | None:
        """Seconds until time alone makes something to do; None: it never does."""
        now = self._clock()
        pauses = [one.expires_in_s(now) for one in self._idle()]
        if self._waiting:
            pauses += [one.stays_until - now for one in self.residents.values()]
        for one in self._waiting:
            pauses += [
                one.asked_at + DRAIN_AFTER_S - now,
                one.asked_at + LOAD_WAIT_S - now,
            ]
        # What is due and was not done waits for something else than time.
        ahead = (pause_s for pause_s in pauses if pause_s is not None and pause_s > 0)
        return min(ahead, default=None)

    def _idle(self) -> list[Resident]:
        return [one for one in self._counted if one.is_idle]

    def _take(self, *residents: Resident) -> tuple[Resident, ...]:
        for one in residents:
            one.is_open = False
            self._take_out(one)
        return residents

    def _take_out(self, resident: Resident) -> None:
        if self.residents.get(resident.spec.key) is resident:
            del self.residents[resident.spec.key]

    def _give_up(self, resident: Resident, reason: str) -> None:
        """End a wait for memory; others may ask anew at once."""
        self._waiting.remove(resident)
        self._take_out(resident)
        error = ModelUnavailableError(reason)
        resident.error = again(error, retry_after_s=ASK_AGAIN_S)
        resident.ready.set()

    def _drain_one(self, now: float) -> None:
        """Drain the least recently used of those that have had their stay."""
        if any(one.is_draining and one.is_open for one in self._counted):
            return
        ready = [
            one
            for one in self.residents.values()
            if one.loaded is not None and one.stays_until <= now
        ]
        if ready:
            self.drain(min(ready, key=lambda one: one.used_at))
