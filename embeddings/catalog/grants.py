"""Granting models to tenants."""

from django.db import transaction

from accounts.models import Tenant
from embeddings.models import EmbeddingModel, ModelGrant


@transaction.atomic
def grant(
    *,
    tenant: Tenant,
    model: EmbeddingModel,
    alias: str | None = None,
    is_default: bool = False,
) -> ModelGrant:
    """Create or update a grant; a new default replaces the tenant's old one.

    Raises IntegrityError when the tenant has the alias for another model.
    """
    Tenant.objects.select_for_update().get(pk=tenant.pk)
    if is_default:
        ModelGrant.objects.filter(tenant=tenant, is_default=True).update(
            is_default=False
        )
    row, _ = ModelGrant.objects.get_or_create(
        tenant=tenant, model=model, alias=alias or None
    )
    if is_default:
        row.is_default = True
        row.save(update_fields=["is_default"])
    return row


def grant_everything(tenant: Tenant) -> None:
    """Grant every enabled model; the first becomes the default where there is none."""
    for model in EmbeddingModel.objects.enabled().exclude(grants__tenant=tenant):
        grant(tenant=tenant, model=model)
    if not ModelGrant.objects.filter(tenant=tenant, is_default=True).exists():
        first = ModelGrant.objects.filter(tenant=tenant).order_by("model_id").first()
        if first is not None:
            grant(tenant=tenant, model=first.model, alias=first.alias, is_default=True)
