"""What may be entered for a key, and telling keys apart by state."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.admin.api_key_form import ApiKeyForm
from tests.factories import make_api_key, make_tenant


def entered(**fields) -> QueryDict:
    """A form as a browser posts it."""
    values = {"tenant": make_tenant().pk, "name": "n", "scopes": ["embed"], **fields}
    return QueryDict(urlencode(values, doseq=True))


def test_a_new_key_may_embed_and_read_usage():
    assert ApiKeyForm()["scopes"].initial == ["embed", "usage"]


def test_a_key_needs_a_scope(db):
    assert "scopes" in ApiKeyForm(entered(scopes=[])).errors


def test_a_new_key_must_not_be_expired(db):
    form = ApiKeyForm(entered(expires_at="2020-01-01 00:00"))

    assert form.errors == {
        "expires_at": ["This time has passed; the key would never work."]
    }


def test_an_issued_key_may_be_ended_by_its_expiry(db):
    issued = make_api_key().api_key

    form = ApiKeyForm(entered(expires_at="2020-01-01 00:00"), instance=issued)

    assert form.is_valid(), form.errors


@pytest.mark.parametrize("state", ["active", "expired", "revoked"])
def test_keys_are_found_by_state(root: Client, state):
    make_api_key(name="active")
    make_api_key(name="expired", expires_at=timezone.now() - timedelta(days=1))
    make_api_key(name="revoked").api_key.revoke()

    response = root.get(reverse("admin:accounts_apikey_changelist"), {"state": state})

    assert [key.name for key in response.context["cl"].result_list] == [state]
