"""One model in the pool, and the memory of loads that failed."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.families.base import Model
from embeddings.engine.spec import Call, Key, LoadedModel, ModelSpec
from embeddings.engine.status import FailedModel

#: A failed load is not tried again for so long, doubling with each failure.
RETRY_FIRST_S, RETRY_MOST_S = 30.0, 600.0
#: A model that was loaded for others stays for so many times what its load took, so
#: that models which take turns are not loaded most of the time; and the longest stay.
STAY_PER_LOAD, STAY_MOST_S = 4.0, 30.0


@dataclass(eq=False, slots=True, kw_only=True)
class Resident:
    """One model on its way into memory, in it, or on its way out.

    The pool's lock guards its fields. `uses` counts the holds, `requests` those that
    callers ever had, `is_open` ends when it is chosen to be closed, `is_draining` when
    it takes no new requests. `used_at` is when the last hold ended.
    """

    spec: ModelSpec
    size_bytes: int
    keep_alive_s: float
    asked_at: float
    uses: int = 0
    requests: int = 0
    used_at: float = 0.0
    stays_until: float = -inf
    is_open: bool = True
    is_draining: bool = False
    loaded: Model | None = None
    error: ModelUnavailableError | None = None
    ready: threading.Event = field(default_factory=threading.Event)
    _last_tenant: str = ""
    _last_at: float = -inf
    #: When somebody else than the last tenant asked for it.
    _other_at: float = -inf

    @property
    def model(self) -> Model:
        """The model; to be asked for only while held."""
        if self.loaded is None:
            raise RuntimeError("a model was asked for before its load or after its end")
        return self.loaded

    @property
    def is_idle(self) -> bool:
        """Whether it is loaded, nobody uses it and nobody has begun to close it."""
        return self.is_open and self.loaded is not None and not self.uses

    def use(self, call: Call, *, now: float) -> None:
        """Count a caller's hold, and heed its wish for the keep-alive."""
        wish = call.keep_alive_s
        if wish is not None and (not self._shortens(wish) or self._is_alone(call, now)):
            self.keep_alive_s = wish
        # The platform's own calls keep nothing for anybody.
        if call.tenant:
            if call.tenant != self._last_tenant:
                self._other_at, self._last_tenant = self._last_at, call.tenant
            self._last_at = now
        self.uses += 1
        self.requests += 1

    def _shortens(self, wish_s: float) -> bool:
        return wish_s >= 0 and (self.keep_alive_s < 0 or wish_s < self.keep_alive_s)

    def _is_alone(self, call: Call, now: float) -> bool:
        """Whether no other tenant counts on the model within its present keep-alive."""
        if not call.tenant:
            return True
        is_last = self._last_tenant == call.tenant
        other_at = self._other_at if is_last else self._last_at
        if self.keep_alive_s < 0:
            return other_at == -inf
        return now - other_at > self.keep_alive_s

    def begin(self, model: Model, *, now: float, load_s: float) -> None:
        """It is in memory from now on."""
        self.loaded = model
        self.used_at = now
        self.stays_until = now + min(STAY_MOST_S, STAY_PER_LOAD * load_s)

    def expires_in_s(self, now: float) -> float | None:
        """Seconds until it is closed if nobody asks again; None: never."""
        if self.keep_alive_s < 0:
            return None
        since = now if self.uses else self.used_at
        return max(0.0, since + self.keep_alive_s - now)

    def facts(self, now: float, *, device: str) -> LoadedModel:
        """What operators are shown of it."""
        return LoadedModel(
            name=self.spec.name,
            device=device,
            bytes=self.size_bytes,
            expires_in_s=self.expires_in_s(now),
            in_use=self.uses,
            runtime=getattr(self.loaded, "runtime", ""),
            precision=self.spec.precision,
            requests=self.requests,
        )


@dataclass(frozen=True, slots=True)
class _Failure:
    name: str
    error: ModelUnavailableError
    retry_at: float
    pause_s: float


class FailedLoads:
    """Loads that failed, so that each request does not try them again at once."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._by_key: dict[Key, _Failure] = {}

    def check(self, key: Key) -> None:
        """Raise the failure again while its pause lasts."""
        failure = self._by_key.get(key)
        if failure is not None:
            left_s = failure.retry_at - self._clock()
            if left_s > 0:
                raise again(failure.error, retry_after_s=left_s)

    def add(
        self, spec: ModelSpec, error: ModelUnavailableError
    ) -> ModelUnavailableError:
        """Remember a failure; the error to tell those who wait."""
        before = self._by_key.get(spec.key)
        pause_s = min(2 * before.pause_s, RETRY_MOST_S) if before else RETRY_FIRST_S
        retry_at = self._clock() + pause_s
        self._by_key[spec.key] = _Failure(spec.name, error, retry_at, pause_s)
        return again(error, retry_after_s=pause_s)

    def forget(self, key: Key) -> bool:
        """The load succeeded, or may be tried at once; whether it had failed."""
        return self._by_key.pop(key, None) is not None

    def facts(self) -> tuple[FailedModel, ...]:
        """What operators are shown of them."""
        now = self._clock()
        return tuple(
            FailedModel(
                name=failure.name,
                error=str(failure.error),
                retry_in_s=max(0.0, failure.retry_at - now),
            )
            for failure in self._by_key.values()
        )


def again(
    error: ModelUnavailableError, *, retry_after_s: float
) -> ModelUnavailableError:
    """A fresh error: one instance raised in many threads would mix their traces."""
    return ModelUnavailableError(str(error), retry_after_s=retry_after_s)
