"""The models that ship with the platform, and the names users already call them by."""

from dataclasses import dataclass, field

from django.db import transaction

from embeddings.models import EmbeddingModel, ModelAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedModel:
    """A catalog row as it ships; operators may edit theirs afterwards."""

    name: str
    source: str
    dimensions: int
    max_tokens: int
    context_tokens: int | None = None
    family: str = "encoder"
    owner: str = "library"
    aliases: tuple[str, ...] = field(default=())


SHIPPED = (
    ShippedModel(
        name="all-MiniLM-L6-v2",
        source="sentence-transformers/all-MiniLM-L6-v2",
        owner="sentence-transformers",
        dimensions=384,
        max_tokens=256,
        context_tokens=512,
        aliases=(
            "all-minilm",
            "all-minilm:22m",
            "all-minilm:l6-v2",
            "sentence-transformers/all-MiniLM-L6-v2",
            "chroma/all-minilm-l6-v2-f32",
            "tazarov/all-minilm-l6-v2-f32",
        ),
    ),
)


@transaction.atomic
def seed() -> int:
    """Create the rows that are not there yet and return how many; edits are kept.

    An alias that another model has by now stays with that model.
    """
    created = 0
    for shipped in SHIPPED:
        if EmbeddingModel.objects.filter(name__iexact=shipped.name).exists():
            continue
        model = EmbeddingModel.objects.create(
            name=shipped.name,
            source=shipped.source,
            family=shipped.family,
            owner=shipped.owner,
            dimensions=shipped.dimensions,
            max_tokens=shipped.max_tokens,
            context_tokens=shipped.context_tokens,
        )
        ModelAlias.objects.bulk_create(
            (ModelAlias(model=model, name=alias) for alias in shipped.aliases),
            ignore_conflicts=True,
        )
        created += 1
    return created
