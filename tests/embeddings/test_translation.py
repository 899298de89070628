"""Every error of the engine has one of the API."""

import pytest

from embeddings import errors
from embeddings.engine import errors as engine_errors
from embeddings.translation import translated
from embeddings.types import EmbeddingRequest

REQUEST = EmbeddingRequest(model="mini", inputs=("a",))


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (
            engine_errors.InputTooLongError(index=0, tokens=9, limit=8),
            errors.TextTooLongError,
        ),
        (engine_errors.InvalidInputError("odd"), errors.InvalidRequestError),
        (
            engine_errors.TenantOverloadedError("full", retry_after_s=2),
            errors.TenantBusyError,
        ),
        (
            engine_errors.OverloadedError("full", retry_after_s=2),
            errors.OverloadedError,
        ),
        (engine_errors.ModelUnavailableError("secret"), errors.UnavailableError),
        (engine_errors.DeadlineError("late"), errors.UnavailableError),
        (engine_errors.CancelledError("gone"), errors.ClientGoneError),
        (engine_errors.ForwardError("the text failed"), errors.InternalError),
    ],
    ids=lambda value: "" if isinstance(value, type) else type(value).__name__,
)
def test_each_error_has_its_own(raised, kind):
    with pytest.raises(kind) as caught, translated(REQUEST):
        raise raised

    assert type(caught.value) is kind
    assert getattr(raised, "retry_after_s", None) in {
        None,
        caught.value.retry_after_s,
    }


def test_why_a_model_is_not_available_is_not_told():
    error = engine_errors.ModelUnavailableError("the disk is full", retry_after_s=9)

    with pytest.raises(errors.UnavailableError) as caught, translated(REQUEST):
        raise error

    assert caught.value.retry_after_s == 9
    assert str(caught.value) == "model 'mini' is not available now"


def test_what_went_well_passes():
    with translated(REQUEST):
        pass
