"""Secrets in the database: written under the first key, read under any."""

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from accounts.encryption import MARK, EncryptionError, decrypt, encrypt, renew

SECRET = "sk-very-secret"


def new_key() -> str:
    return Fernet.generate_key().decode()


def test_a_secret_comes_back_and_does_not_lie_in_clear(field_keys) -> None:
    kept = encrypt(SECRET)

    assert decrypt(kept) == SECRET
    assert SECRET not in kept
    assert kept.startswith(MARK)
    assert encrypt(SECRET) != kept


def test_every_key_reads_and_the_first_writes(settings: Settings, field_keys) -> None:
    old = encrypt(SECRET)
    settings.FIELD_KEYS = [new_key(), *field_keys]

    assert decrypt(old) == SECRET

    renewed = renew(old)
    settings.FIELD_KEYS = settings.FIELD_KEYS[:1]
    assert renewed is not None
    assert decrypt(renewed) == SECRET
    assert renew(renewed) is None


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ([], "not set"),
        (["nonsense"], "no Fernet key"),
        ([new_key()], "none of the keys"),
    ],
    ids=["none", "nonsense", "another"],
)
def test_without_its_key_a_secret_is_an_error_and_never_its_ciphertext(
    settings: Settings, field_keys, keys, reason
) -> None:
    kept = encrypt(SECRET)
    settings.FIELD_KEYS = keys

    for read in (decrypt, renew):
        with pytest.raises(EncryptionError, match=reason) as caught:
            read(kept)
        assert kept not in str(caught.value)


@pytest.mark.parametrize("text", ["", "gAAAAA", "not a token", "\u00e9"], ids=ascii)
def test_what_was_never_encrypted_is_an_error(field_keys, text) -> None:
    with pytest.raises(EncryptionError):
        decrypt(text)
