"""revoke_api_key."""

import io

import pytest

from accounts import secrets
from accounts.models import ApiKey
from tests.factories import make_api_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def issued():
    make_api_key()
    return make_api_key()


def _active() -> int:
    return ApiKey.objects.active().count()


@pytest.mark.parametrize(
    "named",
    [
        pytest.param(lambda key: str(key.pk), id="id"),
        pytest.param(lambda key: f"{key.prefix}…{key.last4}", id="as shown"),
        pytest.param(lambda key: f"{key.prefix}...{key.last4}", id="with dots"),
    ],
)
def test_it_revokes_one_key(run, issued, named):
    ended = run("revoke_api_key", named(issued.api_key), "--json")

    issued.api_key.refresh_from_db()
    assert issued.api_key.revoked_at is not None
    assert _active() == 1
    assert ended.value["id"] == issued.api_key.pk
    assert ended.value["was_active"] is True


def test_it_reads_a_secret_from_standard_input(run, issued, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(issued.secret + "\n"))

    ended = run("revoke_api_key", "-")

    assert ended.code == 0
    assert issued.secret not in ended.out
    issued.api_key.refresh_from_db()
    assert issued.api_key.revoked_at is not None


def test_revoking_again_changes_nothing(run, issued):
    first = run("revoke_api_key", str(issued.api_key.pk), "--json").value

    again = run("revoke_api_key", str(issued.api_key.pk), "--json")

    assert (again.code, again.value["was_active"]) == (0, False)
    assert again.value["revoked_at"] == first["revoked_at"]


@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        ("999999", "There is no such key.\n"),
        ("emb_live_AbCd…WxYz", "There is no such key.\n"),
        ("acme", "Give a key's id, its prefix and last four, or -.\n"),
        ("9" * 30, "Give a key's id, its prefix and last four, or -.\n"),
        (
            secrets.make_secret(),
            "Give a secret on standard input, with - as the argument.\n",
        ),
    ],
    ids=["unknown id", "unknown form", "a word", "a huge number", "a secret"],
)
def test_what_names_no_key_is_one_sentence(run, issued, named, sentence):
    ended = run("revoke_api_key", named)

    assert (ended.code, ended.err) == (1, sentence)
    assert _active() == 2


def test_two_keys_that_look_alike_are_not_revoked(run, issued):
    key = issued.api_key
    ApiKey.objects.update(prefix=key.prefix, last4=key.last4)

    ended = run("revoke_api_key", f"{key.prefix}…{key.last4}")

    assert ended.err == "More than one key looks like this; give its id.\n"
    assert _active() == 2
