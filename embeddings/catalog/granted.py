"""A caller's models, one by one, under the names that they were granted by."""

from dataclasses import dataclass

from accounts.authentication import Caller
from embeddings.catalog.lookup import outputs_of
from embeddings.engine.spec import Output
from embeddings.models import ModelGrant


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantedModel:
    """One grant: the tenant's own name for a model, or else the canonical one."""

    name: str
    canonical: str
    dimensions: int
    max_tokens: int
    outputs: tuple[Output, ...]
    is_default: bool


def granted_models(caller: Caller) -> tuple[GrantedModel, ...]:
    """The grants that the caller's key may use, by name."""
    rows = ModelGrant.objects.filter(
        tenant_id=caller.tenant_id, model__is_enabled=True
    ).select_related("model")
    if caller.model_names:
        rows = rows.filter(model__name__in=caller.model_names)
    found = [
        GrantedModel(
            name=row.alias or row.model.name,
            canonical=row.model.name,
            dimensions=row.model.dimensions,
            max_tokens=row.model.max_tokens,
            outputs=tuple(sorted(outputs_of(row.model))),
            is_default=row.is_default,
        )
        for row in rows
    ]
    return tuple(sorted(found, key=lambda one: one.name))
