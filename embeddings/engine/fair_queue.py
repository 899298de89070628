"""Which texts run next: fair between tenants, similar lengths together. No threads."""

import math
from collections import deque
from itertools import islice

from embeddings.engine.resident import Resident
from embeddings.engine.tickets import Batch, Item, Ticket

#: Requests of one tenant that are looked at for texts that fit a batch.
LOOK_AHEAD = 64
#: A batch job that is older goes as if somebody waited for it at a screen.
PROMOTE_AFTER_S = 10.0
#: So long after two tenants asked, either may be expected to ask again.
SHARED_FOR_S = 10.0


#: One tenant's requests of one class for one model.
Lane = deque[Ticket]
#: Tenant, and whether its requests are batch jobs.
LaneKey = tuple[str, bool]


class FairQueue:
    """Tickets by model, tenant and class; the caller holds the lock.

    Tenants are served by start-time fair queueing over tokens: each has a tag that
    moves on by tokens / weight as it is served, and the smallest tag is next. One
    tenant's requests take turns, so a short one need not wait for a long one. Batch
    jobs come after everybody else until they are `promote_after_s` old. Source: Goyal,
    Vin and Cheng, "Start-time Fair Queueing", 1996.
    """

    def __init__(self, *, promote_after_s: float = PROMOTE_AFTER_S) -> None:
        #: Tokens and texts that wait.
        self.tokens = 0
        self.texts = 0
        self._promote_after_s = promote_after_s
        self._lanes: dict[Resident, dict[LaneKey, Lane]] = {}
        self._tokens_of: dict[str, int] = {}
        self._tags: dict[str, float] = {}
        self._now = 0.0
        self._latest: str | None = None
        self._latest_at = 0.0
        self._shared_until = -math.inf

    def tokens_of(self, tenant: str) -> int:
        """Tokens of one tenant that wait."""
        return self._tokens_of.get(tenant, 0)

    def is_shared(self, now: float) -> bool:
        """Whether several tenants asked lately, none of whom should wait for long."""
        return now < self._shared_until

    def add(self, ticket: Ticket) -> None:
        """Let a request's rows wait."""
        self._note(ticket)
        lanes = self._lanes.setdefault(ticket.resident, {})
        lanes.setdefault((ticket.tenant, ticket.is_batch), deque()).append(ticket)
        # Time without requests earns no credit.
        self._tags[ticket.tenant] = max(self._tags.get(ticket.tenant, 0.0), self._now)
        self._count(ticket, tokens=ticket.queued_tokens, texts=len(ticket.order))

    def remove(self, ticket: Ticket) -> None:
        """Forget what still waits of a request."""
        if not ticket.order:
            return
        self._count(ticket, tokens=-ticket.queued_tokens, texts=-len(ticket.order))
        ticket.queued_tokens = 0
        ticket.order.clear()
        key = (ticket.tenant, ticket.is_batch)
        self._lanes[ticket.resident][key].remove(ticket)
        self._tidy(ticket.resident, key)

    def pass_by(self, ticket: Ticket) -> Batch:
        """A whole request as a batch of its own, where nothing waits."""
        self._note(ticket)
        self._now = max(self._tags.get(ticket.tenant, 0.0), self._now)
        self._charge(ticket, tokens=ticket.queued_tokens)
        batch = Batch(ticket.resident)
        for index in ticket.order:
            batch.add(Item(ticket, index))
        ticket.queued_tokens = 0
        ticket.order.clear()
        return batch

    def take(self, *, budget: int, now: float = 0.0) -> Batch:
        """The next batch: `budget` padded tokens at most, unless one text has more.

        Something must wait.
        """
        heads = (
            (*self._rank(key, lane, now), resident, key)
            for resident, lanes in self._lanes.items()
            for key, lane in lanes.items()
        )
        _, tag, resident, _ = min(heads, key=lambda head: head[:2])
        # A tenant that had to let others go first has not earned what they were given.
        self._now = max(self._now, tag)
        batch = Batch(resident)
        lanes = self._lanes[resident]
        for key in sorted(lanes, key=lambda key: self._rank(key, lanes[key], now)):
            lane = lanes[key]
            for ticket in self._alike(lane, batch):
                if self._move(ticket, batch, budget=budget):
                    lane.remove(ticket)
                    if ticket.order:
                        lane.append(ticket)
            self._tidy(resident, key)
            if batch.padded_tokens >= budget:
                break
        return batch

    @staticmethod
    def _alike(lane: Lane, batch: Batch) -> list[Ticket]:
        """A lane's requests that may join: of about the batch's length first.

        The first batch of a lane begins with the request whose turn it is.
        """
        found = list(islice(lane, LOOK_AHEAD))
        first = [] if batch.items else found[:1]
        longest = batch.longest or found[0].lengths[found[0].order[0]]
        rest = sorted(found[len(first) :], key=lambda one: one.distance(longest))
        return first + rest

    def _rank(self, key: LaneKey, lane: Lane, now: float) -> tuple[bool, float]:
        """What the next lane has least of: others go first, and what it was given."""
        tenant, is_batch = key
        is_late = is_batch and now - lane[0].asked_at < self._promote_after_s
        return is_late, self._tags[tenant]

    def _move(self, ticket: Ticket, batch: Batch, *, budget: int) -> bool:
        """Move rows into the batch while they fit; whether any did.

        Those of the batch's own length come first, then shorter ones, then longer.
        """
        order, before = ticket.order, len(batch.items)
        start = ticket.first_below(batch.longest) if batch.items else 0
        end = start
        while end < len(order) and self._join(ticket, batch, order[end], budget):
            end += 1
        while start > 0 and self._join(ticket, batch, order[start - 1], budget):
            start -= 1
        moved = batch.items[before:]
        if moved:
            tokens = sum(item.length for item in moved)
            del order[start:end]
            ticket.queued_tokens -= tokens
            self._count(ticket, tokens=-tokens, texts=-len(moved))
            self._charge(ticket, tokens=tokens)
        return bool(moved)

    @staticmethod
    def _join(ticket: Ticket, batch: Batch, index: int, budget: int) -> bool:
        if not batch.fits(ticket.lengths[index], budget=budget):
            return False
        batch.add(Item(ticket, index))
        return True

    def _note(self, ticket: Ticket) -> None:
        """Remember who asked; the platform's own calls have no tenant."""
        if not ticket.tenant:
            return
        if self._latest not in {None, ticket.tenant}:
            self._shared_until = self._latest_at + SHARED_FOR_S
        self._latest, self._latest_at = ticket.tenant, ticket.asked_at

    def _charge(self, ticket: Ticket, *, tokens: int) -> None:
        """Move the tenant's tag on by what was served."""
        start = max(self._tags.get(ticket.tenant, 0.0), self._now)
        self._tags[ticket.tenant] = start + tokens / ticket.weight

    def _count(self, ticket: Ticket, *, tokens: int, texts: int) -> None:
        self.tokens += tokens
        self.texts += texts
        left = self._tokens_of.get(ticket.tenant, 0) + tokens
        self._tokens_of[ticket.tenant] = left
        if not left:
            del self._tokens_of[ticket.tenant]

    def _tidy(self, resident: Resident, key: LaneKey) -> None:
        lanes = self._lanes[resident]
        if not lanes[key]:
            del lanes[key]
        if not lanes:
            del self._lanes[resident]
