"""What went wrong in the engine, in the words of the API."""

from collections.abc import Iterator
from contextlib import contextmanager

from embeddings import errors
from embeddings.engine import errors as engine_errors
from embeddings.types import EmbeddingRequest


@contextmanager
def translated(request: EmbeddingRequest) -> Iterator[None]:
    """Raise the engine's errors as the API's, each in one place."""
    try:
        yield
    except engine_errors.InputTooLongError as error:
        raise errors.TextTooLongError(str(error), param=None) from error
    except engine_errors.InvalidInputError as error:
        raise errors.InvalidRequestError(str(error)) from error
    except engine_errors.TenantOverloadedError as error:
        raise errors.TenantBusyError(retry_after_s=error.retry_after_s) from error
    except engine_errors.OverloadedError as error:
        raise errors.OverloadedError(retry_after_s=error.retry_after_s) from error
    except engine_errors.ModelUnavailableError as error:
        raise errors.UnavailableError(
            f"model {request.model or ''!r} is not available now",
            retry_after_s=error.retry_after_s,
        ) from error
    except engine_errors.ProviderError as error:
        raise _provider_error(error) from error
    except engine_errors.DeadlineError as error:
        raise errors.UnavailableError(
            "the model did not answer in time", retry_after_s=5
        ) from error
    except engine_errors.CancelledError as error:
        raise errors.ClientGoneError from error
    except engine_errors.EngineError as error:
        raise errors.InternalError(str(error)) from error


def _provider_error(error: engine_errors.ProviderError) -> errors.ApiError:
    """What a caller is told of somebody else's refusal."""
    if isinstance(error, engine_errors.ProviderTooLongError):
        return errors.TextTooLongError(str(error))
    if isinstance(error, engine_errors.ProviderBusyError):
        return errors.ProviderBusyError(retry_after_s=error.retry_after_s)
    return errors.ProviderError(str(error))
