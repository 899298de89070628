"""One word through a provider's models, and what the operator reads."""

import pytest
from django.utils import timezone

from embeddings.catalog import providers
from embeddings.engine.errors import DeadlineError
from embeddings.models import Provider
from embeddings.trial import WORD, Outcome, try_provider
from tests.factories import make_model, make_provider, make_remote_model
from tests.fakes import FakeEngine

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider() -> Provider:
    """One that is switched off: it is tried before it serves."""
    providers._turns.forget()
    return make_provider(
        is_enabled=False, trouble="HTTP 401", trouble_at=timezone.now()
    )


def test_every_model_of_the_provider_gets_a_word(engine: FakeEngine, provider) -> None:
    make_remote_model("a", provider=provider)
    make_remote_model("b", provider=provider, is_enabled=False, dimensions=8)
    make_remote_model()
    make_model()

    first, second = try_provider(provider)

    assert (first.model, first.is_well) == ("a", True)
    assert first.text.startswith("1,536 dimensions in ")
    assert second.text.startswith("8 dimensions in ")
    assert [job.inputs for job in engine.jobs] == [(WORD,)] * 2
    assert {call.tenant for call in engine.calls} == {""}


def test_an_answer_ends_trouble(engine: FakeEngine, provider) -> None:
    make_remote_model(provider=provider)

    try_provider(provider)

    provider.refresh_from_db()
    assert provider.trouble == ""


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (DeadlineError("it did not answer in time"), "it did not answer in time."),
        (RuntimeError("/secret/place"), "It failed; the log says how."),
    ],
    ids=["engine", "bug"],
)
def test_a_failure_is_told_in_words(engine, provider, error, text) -> None:
    make_remote_model("a", provider=provider)
    engine.failures["run"] = error

    assert try_provider(provider) == (Outcome(model="a", is_well=False, text=text),)
    provider.refresh_from_db()
    assert provider.trouble == "HTTP 401"


def test_an_unreadable_credential_is_told(engine, field_keys, settings) -> None:
    lost = make_provider(credential="sk-secret")
    make_remote_model(provider=lost)
    settings.FIELD_KEYS = []

    [outcome] = try_provider(lost)

    assert outcome.text == "The credential cannot be read: FIELD_KEYS is not set."
    assert engine.calls == []


def test_a_provider_without_models_has_nothing_to_try(engine, provider) -> None:
    assert try_provider(provider) == ()
