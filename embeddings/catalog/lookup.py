"""What one caller may use, and under which names: a snapshot, cached per tenant."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from accounts.authentication import Caller
from accounts.encryption import EncryptionError
from accounts.revision import get_cache
from embeddings.catalog.locate import locate
from embeddings.catalog.providers import endpoint_of, note_unreadable
from embeddings.engine.anatomy import anatomy
from embeddings.engine.spec import ModelSpec, Output, Truncate
from embeddings.errors import ModelNotFoundError, ModelRequiredError, UnavailableError
from embeddings.models import EmbeddingModel, ModelGrant, Outputs
from embeddings.types import ModelFacts

#: Where the files of models lie that have none; the engine looks for none there.
NOWHERE = Path("/nonexistent")
#: What changes such things is an operator, not the next second.
RETRY_AFTER_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogEntry:
    """One catalog row as the pipeline reads it.

    `spec` None: not on this machine, or of a provider that cannot be asked now.
    """

    facts: ModelFacts
    spec: ModelSpec | None
    over_length: Truncate | None
    matryoshka_min: int | None
    matryoshka_sizes: tuple[int, ...]
    is_remote: bool = False

    @property
    def name(self) -> str:
        """The canonical name, under which usage is billed."""
        return self.facts.name

    def offers(self, dimensions: int) -> bool:
        """Whether dense vectors of this size may be asked for."""
        full = self.facts.dimensions
        if dimensions == full or dimensions in self.matryoshka_sizes:
            return True
        return (
            self.matryoshka_min is not None and self.matryoshka_min <= dimensions < full
        )

    def described(self) -> ModelFacts:
        """The facts with what its folder tells, read the first time it is asked for."""
        if self.spec is None or self.is_remote:
            return self.facts
        found = anatomy(self.spec.source, fingerprint=self.spec.fingerprint)
        return replace(self.facts, anatomy=found)

    def runnable(self) -> ModelSpec:
        """What the engine needs; raises UnavailableError while there is no such."""
        if self.spec is None:
            lack = "not available now" if self.is_remote else "not downloaded"
            raise UnavailableError(
                f"model {self.name!r} is {lack}", retry_after_s=RETRY_AFTER_S
            )
        return self.spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """A tenant's models by folded name, their own aliases first, and the default."""

    by_name: dict[str, CatalogEntry]
    default: CatalogEntry | None


def fold(name: str) -> str:
    """The form in which names are compared: any case, `:latest` understood."""
    return name.strip().casefold().removesuffix(":latest")


def resolve(caller: Caller, name: str | None) -> CatalogEntry:
    """The model that `caller` means by `name`, or its default for None.

    Unknown, foreign, not granted and withheld from this key are one and the same
    ModelNotFoundError; ModelRequiredError when there is no default.
    """
    grants = _grants_of(caller.tenant_id)
    if name is None:
        if grants.default is None or not _may_use(caller, grants.default):
            raise ModelRequiredError
        return grants.default
    entry = grants.by_name.get(fold(name))
    if entry is None or not _may_use(caller, entry):
        raise ModelNotFoundError(name)
    return entry


def entries_of(caller: Caller) -> tuple[CatalogEntry, ...]:
    """The models that `caller` may use, by canonical name."""
    found = {
        entry.name: entry for entry in _grants_of(caller.tenant_id).by_name.values()
    }
    return tuple(found[name] for name in sorted(found) if _may_use(caller, found[name]))


def models_of(caller: Caller) -> tuple[ModelFacts, ...]:
    """The facts of the models that `caller` may use, by canonical name."""
    return tuple(entry.described() for entry in entries_of(caller))


def entry_of(row: EmbeddingModel) -> CatalogEntry:
    """A catalog row as a value, its folder or its provider's endpoint found.

    A provider that is switched off, or whose credential cannot be decrypted, leaves its
    models without a spec; the latter is told to operators.
    """
    return CatalogEntry(
        facts=ModelFacts(
            name=row.name,
            created_at=int(row.created_at.timestamp()),
            owner=row.owner,
            dimensions=row.dimensions,
            max_tokens=row.max_tokens,
            outputs=outputs_of(row),
            context_tokens=row.context_tokens,
            family=row.family,
            precision=row.precision,
            digest=row.fingerprint,
        ),
        spec=_spec_of(row),
        is_remote=row.provider is not None,
        over_length=Truncate(row.over_length) if row.over_length else None,
        matryoshka_min=row.matryoshka_min,
        matryoshka_sizes=tuple(row.matryoshka_sizes),
    )


def outputs_of(row: EmbeddingModel) -> frozenset[Output]:
    """What the model makes, one by one."""
    if row.output == Outputs.BOTH:
        return frozenset(Output)
    return frozenset({Output(row.output)})


def _may_use(caller: Caller, entry: CatalogEntry) -> bool:
    return not caller.model_names or entry.name in caller.model_names


def _grants_of(tenant_id: int) -> Grants:
    return get_cache().get(("grants", tenant_id), lambda: _load_grants(tenant_id))


def _load_grants(tenant_id: int) -> Grants:
    rows = (
        ModelGrant.objects.filter(tenant_id=tenant_id, model__is_enabled=True)
        .select_related("model__provider")
        .prefetch_related("model__aliases")
    )
    entries = {row.model_id: entry_of(row.model) for row in rows}
    default = next((entries[row.model_id] for row in rows if row.is_default), None)
    return Grants(by_name=_names(rows, entries), default=default)


def _names(
    rows: Iterable[ModelGrant], entries: dict[int, CatalogEntry]
) -> dict[str, CatalogEntry]:
    """Folded names; a later loop overrides an earlier one."""
    names: dict[str, CatalogEntry] = {}
    for row in rows:
        for alias in row.model.aliases.all():
            names[fold(alias.name)] = entries[row.model_id]
    for row in rows:
        names[fold(row.model.name)] = entries[row.model_id]
    for row in rows:
        if row.alias:
            names[fold(row.alias)] = entries[row.model_id]
    return names


def spec_of_remote(row: EmbeddingModel) -> ModelSpec:
    """What the engine needs of a provider's model, whether or not it is switched on.

    Raises EncryptionError where the provider's credential cannot be decrypted, and
    ValueError for a model of our own.
    """
    if row.provider is None:
        raise ValueError(f"{row} has no provider")
    return _spec(
        row,
        # Nobody's weights, so that no two are taken for the same.
        source=NOWHERE / str(row.pk),
        endpoint=endpoint_of(row.provider),
        remote_name=row.source,
    )


def _spec_of(row: EmbeddingModel) -> ModelSpec | None:
    if row.provider is None:
        folder = locate(row.source)
        return None if folder is None else _spec(row, source=folder)
    if not row.provider.is_enabled:
        return None
    try:
        return spec_of_remote(row)
    except EncryptionError as error:
        note_unreadable(row.provider, error)
        return None


def _spec(row: EmbeddingModel, **fields: Any) -> ModelSpec:
    return ModelSpec(
        name=row.name,
        family=row.family,
        outputs=outputs_of(row),
        dimensions=row.dimensions,
        max_tokens=row.max_tokens,
        context_tokens=row.context_tokens,
        prompts=dict(row.prompts),
        instruction_template=row.instruction_template,
        include_prompt=row.include_prompt,
        precision=row.precision,
        route=row.route,
        fingerprint=row.fingerprint,
        **fields,
    )
