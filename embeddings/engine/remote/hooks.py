"""What the engine tells of other people's models to whoever wants to know."""

from collections.abc import Callable
from dataclasses import dataclass

from embeddings.engine.spec import Endpoint


def _ignore(*_: object) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """Called from any thread; what they raise is logged and goes no further.

    `on_rejected` gets the status with which a provider refuses our credentials, 0
    where it could not even be asked: a part of the set-up is wrong. `on_answered` is
    called with the first good answer of a process, and the first after a rejection.
    `on_call` gets an outcome ("ok", "429", "4xx", "5xx", "timeout", …) and seconds.
    """

    on_rejected: Callable[[Endpoint, int], None] = _ignore
    on_answered: Callable[[Endpoint], None] = _ignore
    on_call: Callable[[Endpoint, str, float], None] = _ignore
    on_retry: Callable[[Endpoint], None] = _ignore
