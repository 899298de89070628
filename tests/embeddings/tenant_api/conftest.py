"""Clients of the tenant's API."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import IssuedKey
from tests.embeddings.tenant_api.asking import Api
from tests.factories import make_api_key


@pytest.fixture
def api_of(client: Client) -> Callable[[str | None], Api]:
    """A client that shows a key."""
    return lambda key: Api(client=client, key=key)


@pytest.fixture
def api(api_of, house) -> Api:
    """Acme's client, which embeds and reads usage."""
    return api_of(house.key)


@pytest.fixture
def manager(house) -> IssuedKey:
    """Acme's key that may do everything."""
    return make_api_key(house.acme, name="manager", scopes=["embed", "usage", "manage"])


@pytest.fixture
def managing(api_of, manager) -> Api:
    """Acme's client that may do everything."""
    return api_of(manager.secret)
