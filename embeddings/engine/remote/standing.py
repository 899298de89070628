"""How we stand with each provider, and who is told when that changes."""

import logging
import threading
from collections.abc import Callable

from embeddings.engine.remote.failures import (
    CallError,
    ForbiddenUrlError,
    StatusError,
)
from embeddings.engine.remote.hooks import Hooks
from embeddings.engine.spec import Endpoint

logger = logging.getLogger(__name__)

#: Our credentials are refused, or our account is out of money: an operator's to mend.
REJECTIONS = frozenset({401, 402, 403})
#: The status of an endpoint that could not even be asked.
UNFIT = 0


class Standing:
    """Tells the hooks of every call; logs what an operator has to mend, once."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._lock = threading.Lock()
        #: What was last said of a provider; empty: it answers.
        self._said: dict[int, str] = {}

    def failed(self, endpoint: Endpoint, failure: CallError, *, seconds: float) -> None:
        """A call brought nothing."""
        self._tell(self._hooks.on_call, endpoint, failure.outcome, seconds)
        if isinstance(failure, ForbiddenUrlError):
            self.unfit(endpoint, str(failure))
        elif isinstance(failure, StatusError) and failure.status in REJECTIONS:
            self._reject(endpoint, str(failure), status=failure.status)

    def unfit(self, endpoint: Endpoint, reason: str) -> None:
        """The endpoint cannot be asked as it is set up."""
        self._reject(endpoint, reason, status=UNFIT)

    def answered(self, endpoint: Endpoint, *, seconds: float) -> None:
        """A call brought what was asked for."""
        self._tell(self._hooks.on_call, endpoint, "ok", seconds)
        if self._is_news(endpoint, ""):
            self._tell(self._hooks.on_answered, endpoint)

    def retried(self, endpoint: Endpoint) -> None:
        """A call is going to be made again."""
        self._tell(self._hooks.on_retry, endpoint)

    def _reject(self, endpoint: Endpoint, reason: str, *, status: int) -> None:
        if self._is_news(endpoint, reason):
            logger.warning("the provider %s: %s", endpoint.provider, reason)
        self._tell(self._hooks.on_rejected, endpoint, status)

    def _is_news(self, endpoint: Endpoint, said: str) -> bool:
        with self._lock:
            is_news = self._said.get(endpoint.provider_id) != said
            self._said[endpoint.provider_id] = said
            return is_news

    @staticmethod
    def _tell(hook: Callable[..., None], *facts: object) -> None:
        try:
            hook(*facts)
        except Exception:
            logger.exception("a hook of the engine failed")
