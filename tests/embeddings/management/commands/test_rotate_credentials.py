"""The command that re-encrypts credentials."""

import io
import json

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from tests.factories import make_provider

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("rotate_credentials", *arguments, stdout=out)
    return out.getvalue()


def test_it_says_how_many_and_may_be_run_twice(field_keys, settings) -> None:
    make_provider(credential="sk-a")
    settings.FIELD_KEYS = [Fernet.generate_key().decode(), *field_keys]

    assert run() == "Re-encrypted 1; 0 were under the first key already.\n"
    assert json.loads(run("--json")) == {"renewed": 0, "current": 1, "unreadable": []}


def test_what_cannot_be_read_is_named(field_keys, settings) -> None:
    make_provider("lost", credential="sk-a")
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(CommandError, match=r"None of the keys opens .* lost"):
        run()


@pytest.mark.parametrize("keys", [[], ["nonsense"]], ids=["none", "nonsense"])
def test_without_keys_nothing_happens(settings, keys) -> None:
    settings.FIELD_KEYS = keys

    with pytest.raises(CommandError, match="Nothing was re-encrypted"):
        run()
