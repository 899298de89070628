"""Rows for tests, with defaults that make sense alone."""

import itertools
from typing import Any

from django.utils import timezone

from accounts.metering import Usage
from accounts.models import ApiKey, IssuedKey, Tenant
from embeddings.models import EmbeddingModel, ModelAlias, ModelGrant, Provider

_numbers = itertools.count(1)


def make_tenant(slug: str = "", **fields: Any) -> Tenant:
    """A tenant with a slug of its own."""
    slug = slug or f"tenant-{next(_numbers)}"
    return Tenant.objects.create(slug=slug, **{"name": slug.title(), **fields})


def make_api_key(tenant: Tenant | None = None, **fields: Any) -> IssuedKey:
    """An issued key, of a new tenant unless one is given; `.secret` is its text."""
    return ApiKey.objects.issue(
        tenant=tenant or make_tenant(), **{"name": "test", **fields}
    )


def make_usage(api_key: ApiKey, **fields: Any) -> Usage:
    """What a request of a key used, of now: one text of seven tokens, served."""
    facts = {
        "tenant_id": api_key.tenant_id,
        "api_key_id": api_key.pk,
        "model": "all-minilm",
        "wire": "chroma",
        "status": 200,
        "texts": 1,
        "tokens": 7,
        "occurred_at": timezone.now(),
        "latency_us": 900,
    }
    return Usage(**facts | fields)


def make_model(
    name: str = "", *, aliases: tuple[str, ...] = (), **fields: Any
) -> EmbeddingModel:
    """A catalog row with the facts of all-MiniLM-L6-v2, under a name of its own."""
    row = EmbeddingModel.objects.create(
        name=name or f"all-minilm-{next(_numbers)}",
        **{
            "source": "sentence-transformers/all-MiniLM-L6-v2",
            "dimensions": 384,
            "max_tokens": 256,
            **fields,
        },
    )
    ModelAlias.objects.bulk_create(ModelAlias(model=row, name=a) for a in aliases)
    return row


def make_provider(name: str = "", *, credential: str = "", **fields: Any) -> Provider:
    """A provider that speaks OpenAI's wire; a credential needs FIELD_KEYS."""
    provider = Provider(
        name=name or f"provider-{next(_numbers)}", **{"kind": "openai", **fields}
    )
    if credential:
        provider.set_credential(credential)
    provider.full_clean()
    provider.save()
    return provider


def make_remote_model(
    name: str = "", *, provider: Provider | None = None, **fields: Any
) -> EmbeddingModel:
    """A catalog row of a provider's model, under a name of its own."""
    remote = {"source": "text-embedding-3-small", "family": "", "dimensions": 1536}
    return make_model(
        name, provider=provider or make_provider(), **{**remote, **fields}
    )


def grant(
    tenant: Tenant, model: EmbeddingModel | None = None, **fields: Any
) -> ModelGrant:
    """Let the tenant use the model, a new one unless it is given."""
    return ModelGrant.objects.create(
        tenant=tenant, model=model or make_model(), **fields
    )
