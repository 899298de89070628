"""Putting a model folder into the catalog, after it was checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from embeddings.catalog.lookup import fold
from embeddings.engine import FolderFacts, inspect, manifest
from embeddings.engine.errors import ModelUnavailableError
from embeddings.models import EmbeddingModel, ModelAlias, Outputs


class UnfitRegistrationError(Exception):
    """What the operator says does not fit the folder or the catalog; one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What the operator says of a model; what the folder says is read from it."""

    name: str
    folder: Path
    aliases: Sequence[str] = ()
    max_tokens: int | None = None
    matryoshka_sizes: Sequence[int] = ()
    instruction_template: str = ""
    over_length: str = ""
    family: str = ""
    route: str = ""
    precision: str = "float32"


def register(registration: Registration, *, source: str = "") -> EmbeddingModel:
    """Check the folder, then create or replace the catalog row and add the aliases.

    `source` is what the row finds its folder by, where that is not the folder's path.
    Raises the engine's ModelUnavailableError when the folder is not fit to serve,
    UnfitRegistrationError when something said of it is not, and IntegrityError when a
    name is malformed.
    """
    facts = inspect(
        registration.folder, family=registration.family, route=registration.route
    )
    _check(registration, facts)
    return _publish(
        registration, facts, source=source or str(registration.folder.resolve())
    )


def renew(model: EmbeddingModel, folder: Path) -> EmbeddingModel:
    """Check a folder that a row's model is to be served from; the row, not saved.

    What operators say of the model stays. Raises the engine's ModelUnavailableError
    when the folder is not fit to serve, or is another model's.
    """
    facts = inspect(folder, family=model.family, route=model.route)
    output = _output(facts)
    if facts.dimensions < model.dimensions or output != model.output:
        raise ModelUnavailableError(
            f"the folder makes {output} vectors of {facts.dimensions} dimensions, and "
            f"{model.name} has {model.output} ones of {model.dimensions}"
        )
    model.max_tokens = min(model.max_tokens, facts.max_tokens)
    model.context_tokens = facts.max_tokens
    model.fingerprint = facts.fingerprint
    model.manifest = dict(manifest.digests(folder))
    return model


def _check(registration: Registration, facts: FolderFacts) -> None:
    """Raise UnfitRegistrationError for what could not be served as it was said."""
    limit = registration.max_tokens
    if limit is not None and not 0 < limit <= facts.max_tokens:
        raise UnfitRegistrationError(
            f"the model takes 1 to {facts.max_tokens} tokens, not {limit}"
        )
    for size in registration.matryoshka_sizes:
        if not 0 < size < facts.dimensions:
            raise UnfitRegistrationError(
                f"vectors of {facts.dimensions} dimensions cannot be cut to {size}"
            )
    template = registration.instruction_template
    if template and not ("{instruction}" in template and "{text}" in template):
        raise UnfitRegistrationError(
            "an instruction template holds {instruction} and {text}"
        )


@transaction.atomic
def _publish(
    registration: Registration, facts: FolderFacts, *, source: str
) -> EmbeddingModel:
    model = EmbeddingModel.objects.filter(name__iexact=registration.name).first()
    if model is None:
        model = EmbeddingModel(name=registration.name)
    elif model.provider is not None:
        raise UnfitRegistrationError(f"{model.name!r} is {model.provider}'s model")
    refuse_taken_names((registration.name, *registration.aliases), model)
    model.source = source
    model.family = facts.family
    model.route = facts.route
    model.output = _output(facts)
    model.precision = registration.precision
    model.dimensions = facts.dimensions
    model.max_tokens = registration.max_tokens or facts.max_tokens
    model.context_tokens = facts.max_tokens
    model.prompts = dict(facts.prompts)
    model.include_prompt = facts.include_prompt
    model.fingerprint = facts.fingerprint
    model.manifest = dict(manifest.digests(registration.folder))
    model.matryoshka_min = None
    model.matryoshka_sizes = sorted(set(registration.matryoshka_sizes))
    model.instruction_template = (
        registration.instruction_template or facts.instruction_template
    )
    model.over_length = registration.over_length
    model.save()
    add_aliases(model, registration.aliases)
    return model


def add_aliases(model: EmbeddingModel, aliases: Sequence[str]) -> None:
    """Give a saved row those aliases that it does not have yet."""
    own = {alias.name.lower() for alias in model.aliases.all()}
    for alias in aliases:
        if alias.lower() not in own:
            ModelAlias.objects.create(model=model, name=alias)
            own.add(alias.lower())


def _output(facts: FolderFacts) -> str:
    """The catalog's word for what the folder makes."""
    if len(facts.outputs) > 1:
        return Outputs.BOTH.value
    return next(iter(facts.outputs)).value


def refuse_taken_names(wanted: Sequence[str], model: EmbeddingModel) -> None:
    """Raise UnfitRegistrationError when another model is found by one of the names.

    A name that began to lead elsewhere would change its callers' vectors unsaid.
    """
    names = EmbeddingModel.objects.exclude(pk=model.pk).values_list("name", flat=True)
    aliases = ModelAlias.objects.exclude(model_id=model.pk).values_list(
        "name", flat=True
    )
    taken = {fold(name) for name in (*names, *aliases)}
    for name in wanted:
        if fold(name) in taken:
            raise UnfitRegistrationError(f"{name!r} leads to another model")
