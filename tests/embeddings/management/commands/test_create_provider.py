"""The command that creates a provider."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from embeddings.models import Provider
from tests.factories import make_provider

pytestmark = pytest.mark.django_db
SECRET = "sk-very-secret"


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("create_provider", *arguments, stdout=out)
    return out.getvalue()


def test_json_says_all_but_the_credential(field_keys, monkeypatch) -> None:
    monkeypatch.setenv("VENDOR_KEY", SECRET)

    out = run(
        *("ours", "--kind", "azure", "--url", "https://ours.openai.azure.com"),
        *("--credential-env", "VENDOR_KEY", "--option", "api_version=2024-10-21"),
        *("--allow-host", "GPU", "--timeout-s", "5", "--attempts", "2"),
        *("--concurrency", "3", "--json"),
    )

    row = Provider.objects.get()
    assert json.loads(out) == {
        "id": row.pk,
        "name": "ours",
        "kind": "azure",
        "url": "https://ours.openai.azure.com",
        "allowed_hosts": ["gpu"],
        "options": {"api_version": "2024-10-21"},
        "timeout_s": 5.0,
        "attempts": 2,
        "concurrency": 3,
        "enabled": True,
        "credential_set_at": row.credential_set_at.isoformat(),
    }
    assert row.secret() == SECRET
    assert row.credential not in out


def test_a_provider_needs_no_credential() -> None:
    assert run("ours", "--kind", "openai") == "Created provider ours.\n"
    assert not Provider.objects.get().has_credential


def test_the_credential_is_no_argument() -> None:
    with pytest.raises(CommandError, match="ambiguous option") as caught:
        run("ours", "--kind", "openai", "--credential", SECRET)

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("TAKEN", "--kind", "openai"), "A provider with this name exists."),
        (("new", "--kind", "unheard-of"), "invalid choice"),
        (("new", "--kind", "azure"), "url: This kind has no address"),
        (
            ("new", "--kind", "openai", "--url", "http://a.com"),
            "url: An address begins",
        ),
        (("new", "--kind", "openai", "--option", "a"), "write it as api_version"),
        (("new", "--kind", "openai", "--attempts", "99"), "1 to 10 tries"),
        (("new", "--kind", "openai", "--credential-env", "NOT_THERE"), "is not set"),
        (
            ("new", "--kind", "openai", "--credential-file", "/no/file"),
            "cannot be read",
        ),
    ],
)
def test_a_failure_is_one_plain_sentence(arguments, sentence: str) -> None:
    make_provider("taken")

    with pytest.raises(CommandError, match=sentence) as caught:
        run(*arguments)

    assert "\n" not in str(caught.value)
    assert Provider.objects.count() == 1
