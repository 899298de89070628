"""Quotas as headers."""

import pytest

from accounts.limit_headers import go_duration, limit_headers
from accounts.quotas import BY_CODE, Standing


def standing(code, limit, remaining, reset_s):
    return Standing(
        kind=BY_CODE[code], limit=limit, remaining=remaining, reset_s=reset_s
    )


def test_both_families_tell_how_quotas_stand():
    headers = limit_headers(
        [
            standing("rpm", 60, 59, 0.2),
            standing("tpm", 150_000, 149_984, 12.4),
            standing("tokens-month", 5_000_000, 90_000, 86_400),
            standing("tokens-prepaid", 7, 7, None),
        ]
    )

    assert headers == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "200ms",
        "x-ratelimit-limit-tokens": "7",
        "x-ratelimit-remaining-tokens": "7",
        "RateLimit-Policy": '"rpm";q=60;qu="requests";w=60,'
        ' "tpm";q=150000;qu="tokens";w=60,'
        ' "tokens-month";q=5000000;qu="tokens";w=2592000,'
        ' "tokens-prepaid";q=7;qu="tokens"',
        "RateLimit": '"rpm";r=59;t=1, "tpm";r=149984;t=13,'
        ' "tokens-month";r=90000;t=86400, "tokens-prepaid";r=7',
    }


def test_without_quotas_there_is_nothing_to_tell():
    assert limit_headers([]) == {}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0ms"),
        (0.0123, "13ms"),
        (1, "1s"),
        (59.2, "1m0s"),
        (360, "6m0s"),
        (3600 * 30 + 61, "30h1m1s"),
    ],
)
def test_durations_are_gos(seconds, text):
    assert go_duration(seconds) == text
