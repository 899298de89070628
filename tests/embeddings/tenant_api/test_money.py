"""Money in digits, exactly."""

import pytest

from embeddings.tenant_api.money import amount_of


@pytest.mark.parametrize(
    ("nanos", "text"),
    [
        (0, "0.000000000"),
        (1, "0.000000001"),
        (1_500_000_000, "1.500000000"),
        (2**63, "9223372036.854775808"),
        (-1, "-0.000000001"),
    ],
)
def test_every_nano_is_told(nanos: int, text: str) -> None:
    assert amount_of(nanos) == text
