"""Usage in the admin, with names to choose from."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import make_model


@pytest.mark.parametrize("model", ["usageevent", "usagesofar"])
def test_the_catalogs_names_are_offered(root: Client, model):
    make_model("offered")

    page = root.get(reverse(f"admin:accounts_{model}_changelist")).content.decode()

    assert '<option value="offered"' in page


def test_the_ledger_offers_the_wires(root: Client):
    page = root.get(reverse("admin:accounts_usageevent_changelist")).content.decode()

    assert '<option value="ollama"' in page
