"""Rates as they are written."""

import pytest

from accounts.rates import Rate, rate_of


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("20/60", Rate(count=20, seconds=60)),
        (" 1/1 ", Rate(count=1, seconds=1)),
        ("", None),
        (" ", None),
        ("0", None),
        ("0/60", None),
    ],
)
def test_a_rate_is_read(text, rate):
    assert rate_of(text) == rate


@pytest.mark.parametrize(
    "text",
    ["20", "20/", "/60", "20/0", "20/m", "20/60s", "-1/60", "1.5/60", "٣/٦", "5/1\n5"],
)
def test_nonsense_is_named(text):
    with pytest.raises(ValueError, match="such as 20/60"):
        rate_of(text)
