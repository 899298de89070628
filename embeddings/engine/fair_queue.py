"""Which texts run next: fair between tenants, similar lengths together. No threads."""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from embeddings.engine.errors import EngineError
from embeddings.engine.resident import Resident
from embeddings.engine.spec import TokenRow, Vector

#: A batch may be padded to so many times its tokens; short texts cost little anyway.
MOST_PADDING, SHORT_TOKENS = 1.3, 32
#: Requests of one tenant that are looked at for texts that fit a batch.
LOOK_AHEAD = 64


@dataclass(eq=False, slots=True, kw_only=True)
class Ticket:
    """One request in the queue: its rows, longest first, and what came of them."""

    resident: Resident
    tenant: str
    weight: float
    rows: Sequence[TokenRow]
    vectors: list[Vector | None] = field(init=False)
    order: deque[int] = field(init=False)
    queued_tokens: int = field(init=False)
    left: int = field(init=False)
    error: EngineError | None = None
    done: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.vectors = [None] * len(self.rows)
        self.left = len(self.rows)
        self.queued_tokens = sum(len(row.ids) for row in self.rows)
        lengths = np.array([len(row.ids) for row in self.rows])
        self.order = deque(np.argsort(-lengths, kind="stable").tolist())

    def put(self, index: int, vector: Vector) -> None:
        """Take one row's vector; the last one ends the wait."""
        self.vectors[index] = vector
        self.left -= 1
        if not self.left:
            self.done.set()

    def fail(self, error: EngineError) -> None:
        """End the wait with an error, once."""
        if not self.done.is_set():
            self.error = error
            self.done.set()


@dataclass(frozen=True, slots=True)
class Item:
    """One text of a ticket, by its index there."""

    ticket: Ticket
    index: int

    @property
    def row(self) -> TokenRow:
        """Its token ids."""
        return self.ticket.rows[self.index]


@dataclass(slots=True)
class Batch:
    """Texts of one model that run together."""

    resident: Resident
    items: list[Item] = field(default_factory=list)
    tokens: int = 0
    longest: int = 0

    def fits(self, length: int, *, budget: int) -> bool:
        """Whether a text of this length may join; the first always may."""
        longest = max(self.longest, length)
        padded = longest * (len(self.items) + 1)
        wasteful = padded > MOST_PADDING * (self.tokens + length)
        if not self.items:
            return True
        return padded <= budget and not (wasteful and longest > SHORT_TOKENS)

    def add(self, item: Item) -> None:
        """Let a text join."""
        length = len(item.row.ids)
        self.items.append(item)
        self.tokens += length
        self.longest = max(self.longest, length)


class FairQueue:
    """Tickets by model and tenant; the caller holds the lock.

    Tenants are served by start-time fair queueing over tokens: each has a tag that
    moves on by tokens / weight as it is served, and the smallest tag is next. One
    tenant's requests take turns, so a short one need not wait for a long one.
    """

    def __init__(self) -> None:
        #: Tokens that wait.
        self.tokens = 0
        self._lanes: dict[Resident, dict[str, deque[Ticket]]] = {}
        self._tags: dict[str, float] = {}
        self._now = 0.0

    def __iter__(self) -> Iterator[Ticket]:
        for lanes in self._lanes.values():
            for lane in lanes.values():
                yield from lane

    def add(self, ticket: Ticket) -> None:
        """Let a request's rows wait."""
        lanes = self._lanes.setdefault(ticket.resident, {})
        lanes.setdefault(ticket.tenant, deque()).append(ticket)
        # Time without requests earns no credit.
        self._tags[ticket.tenant] = max(self._tags.get(ticket.tenant, 0.0), self._now)
        self.tokens += ticket.queued_tokens

    def remove(self, ticket: Ticket) -> None:
        """Forget what still waits of a request."""
        self.tokens -= ticket.queued_tokens
        ticket.queued_tokens = 0
        ticket.order.clear()
        lane = self._lanes.get(ticket.resident, {}).get(ticket.tenant)
        if lane is not None and ticket in lane:
            lane.remove(ticket)
            self._tidy(ticket.resident, ticket.tenant)

    def take(self, *, budget: int) -> Batch | None:
        """The next batch: `budget` padded tokens at most, unless one text has more."""
        heads = (
            (self._tags[tenant], resident, tenant)
            for resident, lanes in self._lanes.items()
            for tenant in lanes
        )
        first = min(heads, key=lambda head: head[0], default=None)
        if first is None:
            return None
        self._now, resident, head = first
        batch = Batch(resident)
        lanes = self._lanes[resident]
        others = sorted(lanes.keys() - {head}, key=self._tags.__getitem__)
        for tenant in (head, *others):
            lane = lanes[tenant]
            for ticket in list(islice(lane, LOOK_AHEAD)):
                if self._move(ticket, batch, budget=budget):
                    lane.remove(ticket)
                    if ticket.order:
                        lane.append(ticket)
            self._tidy(resident, tenant)
            if batch.longest * len(batch.items) >= budget:
                break
        return batch

    def _move(self, ticket: Ticket, batch: Batch, *, budget: int) -> bool:
        """Move rows into the batch while they fit; whether any did."""
        before = batch.tokens
        while ticket.order:
            length = len(ticket.rows[ticket.order[0]].ids)
            if not batch.fits(length, budget=budget):
                break
            batch.add(Item(ticket, ticket.order.popleft()))
        moved = batch.tokens - before
        ticket.queued_tokens -= moved
        self.tokens -= moved
        start = max(self._tags[ticket.tenant], self._now)
        self._tags[ticket.tenant] = start + moved / ticket.weight
        return moved > 0

    def _tidy(self, resident: Resident, tenant: str) -> None:
        lanes = self._lanes[resident]
        if not lanes[tenant]:
            del lanes[tenant]
        if not lanes:
            del self._lanes[resident]
