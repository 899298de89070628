"""One row for a tenant's key."""

import pytest
from django.db import IntegrityError

from accounts.models import IdempotencyKey
from tests.factories import make_tenant

pytestmark = pytest.mark.django_db


def test_tenants_may_use_the_same_key():
    facts = {
        "digest": b"d" * 32,
        "fingerprint": b"f" * 32,
        "expires_at": "2099-01-01T00:00Z",
    }
    tenant = make_tenant()
    IdempotencyKey.objects.create(tenant=tenant, **facts)
    IdempotencyKey.objects.create(tenant=make_tenant(), **facts)

    with pytest.raises(IntegrityError, match="idempotency_key_unique"):
        IdempotencyKey.objects.create(tenant=tenant, **facts)
