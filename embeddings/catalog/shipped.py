"""Putting the models that ship into the catalog, without touching operators' edits."""

from dataclasses import fields

from django.db import transaction

from embeddings.catalog.instructions import seed_tasks
from embeddings.catalog.shipped_models import SHIPPED, ShippedModel
from embeddings.models import EmbeddingModel, ModelAlias


@transaction.atomic
def seed() -> int:
    """Create the rows that are not there yet and return how many; edits are kept.

    An alias that another model has by now stays with that model.
    """
    seed_tasks()
    there = {
        name.lower() for name in EmbeddingModel.objects.values_list("name", flat=True)
    }
    new = [shipped for shipped in SHIPPED if shipped.name.lower() not in there]
    for shipped in new:
        columns = {
            field.name: getattr(shipped, field.name)
            for field in fields(ShippedModel)
            if field.name != "aliases"
        }
        model = EmbeddingModel.objects.create(**columns)
        ModelAlias.objects.bulk_create(
            (ModelAlias(model=model, name=alias) for alias in shipped.aliases),
            ignore_conflicts=True,
        )
    return len(new)
