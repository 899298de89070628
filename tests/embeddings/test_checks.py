"""What `check --database default` says of credentials."""

import pytest
from django.core.checks import run_checks
from django.db import connection

from embeddings.models import Provider
from tests.factories import make_provider

pytestmark = pytest.mark.django_db


def found() -> dict[str, str]:
    messages = run_checks(databases=["default"])
    return {
        message.id: str(message.msg)
        for message in messages
        if message.id.startswith("embeddings.")
    }


def test_readable_credentials_pass(field_keys) -> None:
    make_provider(credential="sk-a")

    assert found() == {}


def test_keys_are_needed_only_where_there_are_credentials(settings, field_keys) -> None:
    settings.FIELD_KEYS = []
    make_provider()
    assert found() == {}

    settings.FIELD_KEYS = field_keys
    make_provider(credential="sk-a")
    settings.FIELD_KEYS = []

    assert list(found()) == ["embeddings.E001"]


def test_a_credential_of_another_key_is_named(settings, field_keys) -> None:
    lost = make_provider("lost", credential="sk-a")
    settings.FIELD_KEYS = ["A" * 43 + "="]

    [message] = found().values()

    assert "lost" in message
    assert lost.credential not in message


def test_a_database_without_the_table_passes(monkeypatch) -> None:
    monkeypatch.setattr(connection.introspection, "table_names", list)
    monkeypatch.setattr(Provider.objects, "using", None)

    assert found() == {}
