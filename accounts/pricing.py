"""List prices of requests, exact to the nano (a thousand-millionth) of the currency."""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

from accounts.models import Price
from accounts.quotas import NANOS
from accounts.revision import get_cache

MILLION = Decimal(10**6)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPrice:
    """One price as it is applied; `price_id` None: nothing is listed, all is free."""

    price_id: int | None = None
    per_million_tokens: Decimal = Decimal(0)
    per_request: Decimal = Decimal(0)

    def nanos(self, *, tokens: int) -> int:
        """What one request of so many tokens costs, in nanos, half to even."""
        amount = self.per_million_tokens * tokens / MILLION + self.per_request
        return int((amount * NANOS).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


FREE = ListPrice()


def list_price(model: str, *, at: datetime) -> ListPrice:
    """The price of a model at an aware moment; its own wins over that of all others."""
    book = get_cache().get(("prices",), _load)
    for name in (model, ""):
        for since, price in book.get(name, ()):
            if since <= at:
                return price
    return FREE


def _load() -> dict[str, list[tuple[datetime, ListPrice]]]:
    """All prices by model, newest first."""
    book: dict[str, list[tuple[datetime, ListPrice]]] = {}
    for row in Price.objects.order_by("-effective_from"):
        price = ListPrice(
            price_id=row.pk,
            per_million_tokens=row.per_million_tokens,
            per_request=row.per_request,
        )
        book.setdefault(row.model, []).append((row.effective_from, price))
    return book
