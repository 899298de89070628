"""Money as the API writes it."""

from accounts.quotas import NANOS

#: Of the price list; lower-case ISO 4217.
CURRENCY = "usd"


def amount_of(nanos: int) -> str:
    """Nanos as a decimal number of the currency, exactly."""
    sign = "-" if nanos < 0 else ""
    whole, rest = divmod(abs(nanos), NANOS)
    return f"{sign}{whole}.{rest:09}"
