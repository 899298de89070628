"""What a tenant is told of a call's failure."""

import pytest

from embeddings.engine.backends.openai import OpenAIBackend
from embeddings.engine.errors import (
    InvalidInputError,
    ModelUnavailableError,
    ProviderBusyError,
    ProviderError,
    ProviderTooLongError,
)
from embeddings.engine.remote.failures import (
    BadAnswerError,
    ForbiddenUrlError,
    SlowError,
    StatusError,
    TooLongError,
    UnreachableError,
)
from embeddings.engine.remote.translation import engine_error
from embeddings.engine.remote.transport import Transport
from embeddings.engine.spec import Job
from tests.embeddings.engine.wires import make_endpoint, make_spec

ENDPOINT = make_endpoint("https://api.example.com")
TOO_LONG = b"This model's maximum context length is 8192 tokens: SECRET-TEXT"


def translated(failure, *inputs):
    job = Job(spec=make_spec(ENDPOINT), inputs=inputs or ("SECRET-TEXT",))
    backend = OpenAIBackend(ENDPOINT, Transport(ENDPOINT))
    return engine_error(failure, job=job, backend=backend)


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (StatusError(401, body=b"SECRET-TEXT"), ProviderError),
        (StatusError(404, body=b"SECRET-TEXT"), ProviderError),
        (StatusError(302), ProviderError),
        (StatusError(400, body=b"SECRET-TEXT"), ProviderError),
        (StatusError(400, body=TOO_LONG), ProviderTooLongError),
        (StatusError(429, body=TOO_LONG), ProviderBusyError),
        (StatusError(500, body=b"SECRET-TEXT"), ModelUnavailableError),
        (TooLongError(), ProviderTooLongError),
        (SlowError(), ModelUnavailableError),
        (UnreachableError(), ModelUnavailableError),
        (ForbiddenUrlError("10.0.0.1"), ModelUnavailableError),
        (BadAnswerError("SECRET-TEXT"), ProviderError),
    ],
    ids=lambda one: str(one)[:40] if isinstance(one, Exception) else one.__name__,
)
def test_kinds(failure, kind):
    error = translated(failure)

    assert type(error) is kind
    assert "SECRET-TEXT" not in str(error)
    assert "10.0.0.1" not in str(error)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("asked", "wait"), [(7.5, 7.5), (0.0, 0.0), (None, 5.0)])
def test_the_providers_wait_is_the_tenants(status, asked, wait):
    error = translated(StatusError(status, retry_after_s=asked))

    assert error.retry_after_s == wait


def test_token_ids_that_the_vendor_refuses_are_the_callers_fault():
    assert type(translated(StatusError(400), (1, 2))) is InvalidInputError
    assert type(translated(StatusError(403), (1, 2))) is ProviderError
