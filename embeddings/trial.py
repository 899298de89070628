"""One word through each of a provider's models, for the operator who set it up."""

import logging
import time
from dataclasses import dataclass

from accounts.encryption import EncryptionError
from embeddings.catalog.lookup import spec_of_remote
from embeddings.catalog.providers import clear_trouble
from embeddings.engine.errors import EngineError
from embeddings.engine.spec import Call, Dense, Job, ModelSpec
from embeddings.models import EmbeddingModel, Provider
from embeddings.process import PLATFORM, get_engine

logger = logging.getLogger(__name__)

WORD = "ready"
#: For all models together: somebody waits before a page.
TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one model, in words for the operator."""

    model: str
    is_well: bool
    text: str


def try_provider(provider: Provider) -> tuple[Outcome, ...]:
    """Embed a word with every model of the provider, switched on or not.

    Nothing is metered here, but the vendor may ask to be paid.
    """
    deadline = time.monotonic() + TIMEOUT_S
    models = EmbeddingModel.objects.filter(provider=provider).select_related("provider")
    outcomes = tuple(_try(model, deadline=deadline) for model in models)
    if outcomes and all(outcome.is_well for outcome in outcomes):
        clear_trouble(provider.pk)
    return outcomes


def _try(model: EmbeddingModel, *, deadline: float) -> Outcome:
    started = time.monotonic()
    try:
        made = _embed(spec_of_remote(model), deadline=deadline)
    except EncryptionError as error:
        return _failed(model, f"The credential cannot be read: {error}.")
    except EngineError as error:
        return _failed(model, f"{error}.")
    except Exception:
        logger.exception("The trial of %s failed.", model)
        return _failed(model, "It failed; the log says how.")
    milliseconds = (time.monotonic() - started) * 1000
    return Outcome(
        model=model.name,
        is_well=True,
        text=f"{made.vectors.shape[1]:,} dimensions in {milliseconds:,.0f} ms.",
    )


def _embed(spec: ModelSpec, *, deadline: float) -> Dense:
    engine = get_engine()
    prepared = engine.prepare(Job(spec=spec, inputs=(WORD,)))
    made = engine.run(prepared, Call(tenant=PLATFORM, deadline=deadline))
    if not isinstance(made, Dense):
        raise EngineError("the vectors are not dense")
    return made


def _failed(model: EmbeddingModel, text: str) -> Outcome:
    return Outcome(model=model.name, is_well=False, text=text)
