"""API key secrets."""

import re

import pytest

from accounts import secrets


def test_a_new_secret_is_well_formed_and_never_the_same():
    made = {secrets.make_secret() for _ in range(100)}

    assert len(made) == 100
    assert all(secrets.is_well_formed(secret) for secret in made)
    assert all(re.fullmatch(secrets.SECRET_PATTERN, secret) for secret in made)


@pytest.mark.parametrize("position", range(9, 47))
def test_one_wrong_character_is_noticed(position):
    secret = secrets.make_secret()
    other = "a" if secret[position] != "a" else "b"

    typo = secret[:position] + other + secret[position + 1 :]

    assert not secrets.is_well_formed(typo)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda _: "", id="empty"),
        pytest.param(lambda secret: secret[:-1], id="one short"),
        pytest.param(lambda secret: secret + "0", id="one more"),
        pytest.param(lambda secret: secret + "\n", id="newline"),
        pytest.param(lambda secret: secret.swapcase(), id="case flipped"),
        pytest.param(lambda secret: secret[:20] + "\xff" + secret[21:], id="latin-1"),
        pytest.param(lambda secret: secret[:20] + "\x00" + secret[21:], id="NUL"),
        pytest.param(lambda secret: secret[:20] + "٣" + secret[21:], id="digit"),
    ],
)
def test_what_is_no_secret_is_refused(spoil):
    assert not secrets.is_well_formed(spoil(secrets.make_secret()))


def test_the_checksum_is_crc32_in_base62():
    body = secrets.PREFIX + "0" * 32

    # CRC32 is 2,013,404,390 = 2·62⁵ + 12·62⁴ + 16·62³ + 2·62² + 28·62 + 22.
    assert secrets.is_well_formed(body + "2CG2SM")


def test_the_digest_is_sha256():
    assert secrets.digest_of("abc").hex().startswith("ba7816bf8f01cfea414140de5dae2223")
