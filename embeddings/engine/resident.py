"""One model in the pool, and the memory of loads that failed."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.families.base import Model
from embeddings.engine.spec import Key, LoadedModel, ModelSpec

#: A failed load is not tried again for so long, doubling with each failure.
RETRY_FIRST_S, RETRY_MOST_S = 30.0, 600.0


@dataclass(eq=False, slots=True, kw_only=True)
class Resident:
    """One model on its way into memory, in it, or on its way out.

    The pool's lock guards its fields. `uses` counts the holds, `is_open` ends when it
    is chosen to be closed, `is_draining` when it takes no new requests.
    """

    spec: ModelSpec
    size_bytes: int
    keep_alive_s: float
    asked_at: float
    uses: int = 0
    used_at: float = 0.0
    is_open: bool = True
    is_draining: bool = False
    loaded: Model | None = None
    error: ModelUnavailableError | None = None
    ready: threading.Event = field(default_factory=threading.Event)

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
        )


@dataclass(frozen=True, slots=True)
class _Failure:
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

    def add(self, key: Key, error: ModelUnavailableError) -> ModelUnavailableError:
        """Remember a failure; the error to tell those who wait."""
        before = self._by_key.get(key)
        pause_s = min(2 * before.pause_s, RETRY_MOST_S) if before else RETRY_FIRST_S
        self._by_key[key] = _Failure(error, self._clock() + pause_s, pause_s)
        return again(error, retry_after_s=pause_s)

    def forget(self, key: Key) -> None:
        """The load succeeded."""
        self._by_key.pop(key, None)


def again(
    error: ModelUnavailableError, *, retry_after_s: float
) -> ModelUnavailableError:
    """A fresh error: one instance raised in many threads would mix their traces."""
    return ModelUnavailableError(str(error), retry_after_s=retry_after_s)
