"""What can go wrong between texts and vectors; the service translates each once."""


class EngineError(Exception):
    """Base of the engine's errors; the message may be shown to a tenant."""


class ModelUnavailableError(EngineError):
    """The model cannot be loaded now: not on disk, broken, or no memory for it."""

    def __init__(self, message: str, *, retry_after_s: float = 30.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class InputTooLongError(EngineError):
    """A text has more tokens than the model takes and may not be cut.

    A text so long that it is not even tokenized is counted in `unit` "characters".
    """

    def __init__(
        self, *, index: int, tokens: int, limit: int, unit: str = "tokens"
    ) -> None:
        super().__init__(
            f"input {index} has {tokens} {unit}, the model takes at most {limit}"
        )
        self.index = index
        self.tokens = tokens
        self.limit = limit
        self.unit = unit


class InvalidInputError(EngineError):
    """A text cannot be tokenized, or a token id is not of the model's vocabulary."""


class OverloadedError(EngineError):
    """The queue is full; nothing was started."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TenantOverloadedError(OverloadedError):
    """One tenant's texts fill its share of the queue; others may still come."""


class DeadlineError(EngineError):
    """The answer did not come in time; what was queued has been dropped."""


class CancelledError(EngineError):
    """The caller went away while waiting; what was queued has been dropped."""


class ForwardError(EngineError):
    """The model failed on a text, or made a vector that is not finite."""


class ProviderError(EngineError):
    """A provider refused our request, or answered with what nobody asked for."""


class ProviderBusyError(ProviderError):
    """A provider takes no more of our requests now."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ProviderTooLongError(ProviderError):
    """A provider found one of the texts too long, and does not say which."""

    def __init__(self, *, limit: int) -> None:
        super().__init__(
            f"an input is too long, the model takes at most {limit} tokens"
        )
        self.limit = limit
