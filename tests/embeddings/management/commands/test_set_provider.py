"""The command that changes a provider."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.factories import make_provider

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("set_provider", *arguments, stdout=out)
    return out.getvalue()


def test_what_is_not_named_stays(field_keys) -> None:
    made = make_provider("ours", credential="sk-a", attempts=2, options={"a": "b"})

    assert run("OURS", "--timeout-s", "9") == "Changed provider ours.\n"

    made.refresh_from_db()
    assert (made.timeout_s, made.attempts, made.options) == (9.0, 2, {"a": "b"})
    assert made.secret() == "sk-a"


def test_a_change_begins_anew_and_a_switch_does_not() -> None:
    made = make_provider("ours", trouble="HTTP 401", trouble_at=timezone.now())

    assert json.loads(run("ours", "--disable", "--json"))["enabled"] is False
    made.refresh_from_db()
    assert (made.is_enabled, made.trouble) == (False, "HTTP 401")

    run("ours", "--enable", "--attempts", "1")
    made.refresh_from_db()
    assert (made.is_enabled, made.trouble) == (True, "")


def test_lists_can_be_emptied() -> None:
    made = make_provider("ours", allowed_hosts=["gpu"], options={"a": "b"})

    run("ours", "--allow-host", "", "--option", "")

    made.refresh_from_db()
    assert (made.allowed_hosts, made.options) == ([], {})


def test_a_credential_is_replaced_and_removed(field_keys, tmp_path) -> None:
    made = make_provider("ours", credential="sk-a")
    (tmp_path / "key").write_text("sk-b\n")

    run("ours", "--credential-file", str(tmp_path / "key"))
    made.refresh_from_db()
    assert made.secret() == "sk-b"

    run("ours", "--remove-credential")
    made.refresh_from_db()
    assert not made.has_credential


def test_a_credential_comes_from_standard_input(field_keys, monkeypatch) -> None:
    made = make_provider("ours")
    monkeypatch.setattr("sys.stdin", io.StringIO("sk-in\n"))

    run("ours", "--credential-file", "-")

    made.refresh_from_db()
    assert made.secret() == "sk-in"


@pytest.mark.parametrize(
    "arguments",
    [("--url", "https://elsewhere.example.com"), ("--kind", "cohere")],
    ids=["url", "kind"],
)
def test_a_credential_is_not_sent_elsewhere(field_keys, arguments, monkeypatch) -> None:
    made = make_provider("ours", credential="sk-a", url="https://a.com/v1")
    run("ours", "--url", "https://a.com/v2")

    with pytest.raises(CommandError, match="another vendor or host"):
        run("ours", *arguments)

    monkeypatch.setenv("VENDOR_KEY", "sk-b")
    run("ours", *arguments, "--credential-env", "VENDOR_KEY")
    made.refresh_from_db()
    assert made.secret() == "sk-b"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nobody", "--enable"), "There is no provider 'nobody'."),
        (("ours",), "Say what to change."),
        (("ours", "--kind", "unheard-of"), "invalid choice"),
        (("ours", "--credential-file", "-"), "The credential is empty."),
    ],
)
def test_a_failure_is_one_plain_sentence(arguments, sentence, monkeypatch) -> None:
    make_provider("ours")
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))

    with pytest.raises(CommandError, match=sentence):
        run(*arguments)


def test_without_keys_a_credential_cannot_be_kept(settings, monkeypatch) -> None:
    settings.FIELD_KEYS = []
    make_provider("ours")
    monkeypatch.setenv("VENDOR_KEY", "sk-very-secret")

    with pytest.raises(CommandError, match="FIELD_KEYS is not set") as caught:
        run("ours", "--credential-env", "VENDOR_KEY")

    assert "sk-very-secret" not in str(caught.value)
