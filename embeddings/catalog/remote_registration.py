"""Putting a provider's model into the catalog."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from embeddings.catalog.registration import (
    UnfitRegistrationError,
    add_aliases,
    refuse_taken_names,
)
from embeddings.catalog.vendor_models import VendorModel, vendor_model
from embeddings.models import EmbeddingModel, Outputs, Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteRegistration:
    """What the operator says of a provider's model; None is as the vendor says.

    `remote_name` is the vendor's name for the model, or that of a deployment.
    """

    name: str
    provider: Provider
    remote_name: str
    aliases: Sequence[str] = ()
    dimensions: int | None = None
    max_tokens: int | None = None
    matryoshka_sizes: Sequence[int] = ()
    over_length: str = ""


@transaction.atomic
def register_remote(registration: RemoteRegistration) -> EmbeddingModel:
    """Create or change the catalog row of a provider's model; nobody is called.

    Raises UnfitRegistrationError when something said of it cannot be, and
    IntegrityError when a name is malformed.
    """
    model = EmbeddingModel.objects.filter(name__iexact=registration.name).first()
    if model is None:
        model = EmbeddingModel(name=registration.name, owner=registration.provider.name)
    elif model.provider_id is None:
        raise UnfitRegistrationError(
            f"{model.name!r} is a model of this platform's own"
        )
    refuse_taken_names((registration.name, *registration.aliases), model)
    known = vendor_model(registration.provider.kind, registration.remote_name)
    model.provider = registration.provider
    model.source = registration.remote_name
    model.family = ""
    model.output = Outputs.DENSE.value
    model.dimensions = _dimensions(registration, known)
    model.max_tokens = _max_tokens(registration, known)
    model.matryoshka_min = None
    model.matryoshka_sizes = _sizes(registration, known, model.dimensions)
    if known and known.matryoshka_min and not registration.matryoshka_sizes:
        model.matryoshka_min = known.matryoshka_min
    model.over_length = registration.over_length
    model.save()
    add_aliases(model, registration.aliases)
    return model


def _dimensions(registration: RemoteRegistration, known: VendorModel | None) -> int:
    wanted = registration.dimensions
    if wanted is None:
        if known is None:
            raise UnfitRegistrationError(
                f"how many dimensions {registration.remote_name!r} has is not known "
                "here, and must be said"
            )
        return known.dimensions
    if wanted < 1 or (known is not None and not known.offers(wanted)):
        raise UnfitRegistrationError(
            f"{registration.remote_name!r} has no vectors of {wanted} dimensions"
        )
    return wanted


def _max_tokens(registration: RemoteRegistration, known: VendorModel | None) -> int:
    wanted = registration.max_tokens
    if wanted is None:
        if known is None:
            raise UnfitRegistrationError(
                f"how many tokens {registration.remote_name!r} takes is not known "
                "here, and must be said"
            )
        return known.max_tokens
    most = known.max_tokens if known is not None else wanted
    if not 0 < wanted <= most:
        raise UnfitRegistrationError(
            f"{registration.remote_name!r} takes 1 to {most} tokens, not {wanted}"
            if known
            else "a model takes 1 token at least"
        )
    return wanted


def _sizes(
    registration: RemoteRegistration, known: VendorModel | None, dimensions: int
) -> list[int]:
    """The smaller sizes that may be asked for."""
    wanted = sorted(set(registration.matryoshka_sizes))
    for size in wanted:
        if not 0 < size < dimensions or (known and not known.offers(size)):
            raise UnfitRegistrationError(
                f"{registration.remote_name!r} of {dimensions} dimensions has no "
                f"vectors of {size}"
            )
    return wanted or list(known.smaller_than(dimensions) if known else ())
