"""Credentials move to the newest key, as often as it is asked."""

import pytest
from cryptography.fernet import Fernet

from embeddings.catalog.credentials import Rotation, rotate
from embeddings.models import Provider
from tests.factories import make_provider

pytestmark = pytest.mark.django_db


def test_all_are_read_with_the_newest_key_alone_afterwards(field_keys, settings):
    make_provider("a", credential="sk-a")
    make_provider("b", credential="sk-b")
    make_provider("none")
    settings.FIELD_KEYS = [Fernet.generate_key().decode(), *field_keys]
    make_provider("c", credential="sk-c")

    assert rotate() == Rotation(renewed=2, current=1, unreadable=())
    assert rotate() == Rotation(renewed=0, current=3, unreadable=())

    settings.FIELD_KEYS = settings.FIELD_KEYS[:1]
    secrets = [provider.secret() for provider in Provider.objects.order_by("name")]
    assert secrets == ["sk-a", "sk-b", "sk-c", ""]


def test_what_no_key_opens_stays_and_is_named(field_keys, settings):
    lost = make_provider("lost", credential="sk-a")
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    make_provider("fine", credential="sk-b")

    assert rotate() == Rotation(renewed=0, current=1, unreadable=("lost",))
    assert Provider.objects.get(name="lost").credential == lost.credential
