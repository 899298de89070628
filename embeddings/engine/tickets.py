"""What waits for a model: requests, their texts, and batches of texts."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from embeddings.engine.errors import EngineError
from embeddings.engine.resident import Resident
from embeddings.engine.spec import TokenRow, Vector

#: Padding that a batch may have: a share of its tokens, or as many as are cheaper than
#: a batch more.
MOST_PADDING, FREE_PADDING = 0.1, 32


@dataclass(eq=False, slots=True, kw_only=True)
class Ticket:
    """One request in the queue: its rows, longest first, and what came of them."""

    resident: Resident
    tenant: str
    weight: float
    rows: Sequence[TokenRow]
    is_batch: bool = False
    asked_at: float = 0.0
    vectors: list[Vector | None] = field(init=False)
    lengths: list[int] = field(init=False)
    order: list[int] = field(init=False)
    queued_tokens: int = field(init=False)
    left: int = field(init=False)
    error: EngineError | None = None
    done: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.left = len(self.rows)
        self.vectors = [None] * self.left
        self.lengths = [len(row.ids) for row in self.rows]
        self.queued_tokens = sum(self.lengths)
        length_of = self.lengths.__getitem__
        self.order = sorted(range(self.left), key=length_of, reverse=True)

    def put(self, index: int, vector: Vector) -> None:
        """Take one row's vector; the last one ends the wait."""
        self.vectors[index] = vector
        self.left -= 1
        if not self.left:
            self.done.set()

    def fail(self, error: EngineError) -> bool:
        """End the wait with an error, once; whether this was it."""
        if self.done.is_set():
            return False
        self.error = error
        self.done.set()
        return True

    def distance(self, length: int) -> int:
        """How far from this length the nearest row that waits is."""
        place = self.first_below(length)
        near = self.order[max(0, place - 1) : place + 1]
        return min(abs(length - self.lengths[index]) for index in near)

    def first_below(self, length: int) -> int:
        """Where in `order` the rows begin that are no longer than this."""
        low, high = 0, len(self.order)
        while low < high:
            middle = (low + high) // 2
            if self.lengths[self.order[middle]] > length:
                low = middle + 1
            else:
                high = middle
        return low


@dataclass(frozen=True, slots=True)
class Item:
    """One text of a ticket, by its index there."""

    ticket: Ticket
    index: int

    @property
    def row(self) -> TokenRow:
        """Its token ids."""
        return self.ticket.rows[self.index]

    @property
    def length(self) -> int:
        """Its tokens."""
        return self.ticket.lengths[self.index]


@dataclass(slots=True)
class Batch:
    """Texts of one model that run together."""

    resident: Resident
    items: list[Item] = field(default_factory=list)
    tokens: int = 0
    longest: int = 0

    @property
    def padded_tokens(self) -> int:
        """Tokens that the model will see."""
        return self.longest * len(self.items)

    def fits(self, length: int, *, budget: int) -> bool:
        """Whether a text of this length may join; the first always may."""
        if not self.items:
            return True
        tokens = self.tokens + length
        padded = max(self.longest, length) * (len(self.items) + 1)
        padding = padded - tokens
        return padded <= budget and padding <= max(FREE_PADDING, MOST_PADDING * tokens)

    def add(self, item: Item) -> None:
        """Let a text join."""
        length = item.length
        self.items.append(item)
        self.tokens += length
        self.longest = max(self.longest, length)
