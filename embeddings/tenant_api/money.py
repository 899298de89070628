"""Money as the API writes it."""

from accounts.amounts import in_currency

#: Of the price list; lower-case ISO 4217.
CURRENCY = "usd"


def amount_of(nanos: int) -> str:
    """Nanos as a decimal number of the currency, exactly."""
    return f"{in_currency(nanos):.9f}"
