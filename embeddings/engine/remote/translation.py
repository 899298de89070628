"""A call's failure as the engine's error: what of it is the tenant's to know."""

from embeddings.engine.backends.base import Backend
from embeddings.engine.errors import (
    EngineError,
    InvalidInputError,
    ModelUnavailableError,
    ProviderBusyError,
    ProviderError,
    ProviderTooLongError,
)
from embeddings.engine.remote.failures import (
    BadAnswerError,
    CallError,
    ForbiddenUrlError,
    StatusError,
    TooLongError,
)
from embeddings.engine.spec import Job

#: When to ask again where the provider said nothing of it.
ASK_AGAIN_S = 5.0
#: An operator has to mend it first.
MEND_S = 60.0
_TOO_MANY, _SERVER_ERROR = 429, 500
_BAD_INPUT = frozenset({400, 422})


def engine_error(failure: CallError, *, job: Job, backend: Backend) -> EngineError:
    """The one error that stands for a failure, without a word of the vendor's."""
    spec = job.spec
    if isinstance(failure, TooLongError):
        return ProviderTooLongError(limit=spec.max_tokens)
    if isinstance(failure, StatusError):
        return _of_status(failure, job=job, backend=backend)
    if isinstance(failure, BadAnswerError):
        return ProviderError("the provider of this model gave no valid answer")
    is_forbidden = isinstance(failure, ForbiddenUrlError)
    return ModelUnavailableError(
        f"the provider of {spec.name} does not answer",
        retry_after_s=MEND_S if is_forbidden else ASK_AGAIN_S,
    )


def _of_status(failure: StatusError, *, job: Job, backend: Backend) -> EngineError:
    wait_s = ASK_AGAIN_S if failure.retry_after_s is None else failure.retry_after_s
    if failure.status == _TOO_MANY:
        message = "the provider of this model takes no more requests now"
        return ProviderBusyError(message, retry_after_s=wait_s)
    if failure.status >= _SERVER_ERROR:
        message = f"the provider of {job.spec.name} does not answer"
        return ModelUnavailableError(message, retry_after_s=wait_s)
    if backend.is_too_long(failure):
        return ProviderTooLongError(limit=job.spec.max_tokens)
    has_ids = any(isinstance(given, tuple) for given in job.inputs)
    if has_ids and failure.status in _BAD_INPUT:
        # Nobody else could have known the vendor's vocabulary.
        return InvalidInputError("a token id is not of the model's vocabulary")
    return ProviderError("the provider of this model refused the request")
