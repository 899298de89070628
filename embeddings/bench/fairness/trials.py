"""The trials: one greedy tenant among modest ones, and two of unequal weight."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from embeddings.bench.arithmetic import percentile
from embeddings.bench.corpus import paragraphs
from embeddings.bench.fairness.clients import Demand, Got, Target, compete

MODESTS = 9
#: What each modest tenant asks for, and the greedy one, in shares of the capacity.
MODEST_SHARE, GREEDY_SHARE = 0.05, 10.0
#: Paragraphs of a modest tenant's request, and of a greedy one's.
MODEST_TEXTS, GREEDY_TEXTS = 8, 32
REQUESTS = 24
#: What of each run is left out: nobody waits yet at its beginning.
SETTLING = 0.2

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Modest tenants beside a greedy one; tokens are per second.

    `wanted` and `got` are the modest ones' together, `refused` counts what they were
    told to ask again later.
    """

    capacity: float
    alone_p50_ms: float
    alone_p95_ms: float
    beside_p50_ms: float
    beside_p95_ms: float
    wanted: float
    got_alone: float
    got_beside: float
    greedy_got: float
    refused: int
    greedy_refused: int

    @property
    def slowdown(self) -> float:
        """The modest ones' p95 beside the greedy one, by that without it."""
        return self.beside_p95_ms / self.alone_p95_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Tokens per second of two tenants that both ask for more than there is."""

    heavy_weight: float
    heavy: float
    light: float

    @property
    def ratio(self) -> float:
        """How much more the heavier one got."""
        return self.heavy / self.light if self.light else math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A server to try, and the connections that all tenants have together."""

    target: Target
    connections: int

    @property
    def settled_s(self) -> float:
        """What is measured begins here."""
        return SETTLING * self.target.seconds

    def rate(self, got: Got) -> float:
        """A tenant's tokens per second."""
        return got.tokens_per_s(since_s=self.settled_s, until_s=self.target.seconds)

    def percentiles_ms(self, all_got: Sequence[Got]) -> tuple[float, float]:
        """The median and p95 of all tenants' answers."""
        found = [s for got in all_got for s in got.latencies(since_s=self.settled_s)]
        return 1e3 * percentile(found, 50), 1e3 * percentile(found, 95)


def neighbours(stage: Stage, keys: Sequence[str], *, tell: Tell) -> Neighbours:
    """The first key is the greedy tenant's, the others are modest."""
    greedy_key, *modest_keys = keys
    large, small = _requests(GREEDY_TEXTS), _requests(MODEST_TEXTS)
    tell("what the server can do")
    every = Demand(key=greedy_key, connections=stage.connections, requests=small)
    # Once for nothing: the model is loaded, and has seen texts of most lengths.
    compete(stage.target, [every])
    capacity = stage.rate(compete(stage.target, [every])[0])
    modests = [
        Demand(
            key=key,
            connections=1,
            requests=small[place:] + small[:place],
            tokens_per_s=MODEST_SHARE * capacity,
        )
        for place, key in enumerate(modest_keys)
    ]
    greedy = Demand(
        key=greedy_key,
        connections=stage.connections - len(modests),
        requests=large,
        tokens_per_s=GREEDY_SHARE * capacity,
    )
    tell("the modest tenants alone")
    alone = compete(stage.target, modests)
    tell("the modest tenants beside the greedy one")
    greedy_got, *beside = compete(stage.target, [greedy, *modests])
    alone_ms, beside_ms = stage.percentiles_ms(alone), stage.percentiles_ms(beside)
    return Neighbours(
        capacity=capacity,
        alone_p50_ms=alone_ms[0],
        alone_p95_ms=alone_ms[1],
        beside_p50_ms=beside_ms[0],
        beside_p95_ms=beside_ms[1],
        wanted=len(modests) * MODEST_SHARE * capacity,
        got_alone=sum(map(stage.rate, alone)),
        got_beside=sum(map(stage.rate, beside)),
        greedy_got=stage.rate(greedy_got),
        refused=sum(got.refused for got in beside),
        greedy_refused=greedy_got.refused,
    )


def weights(stage: Stage, keys: Sequence[str], *, heavy: float, tell: Tell) -> Weights:
    """Two tenants with the same demand, of which the first has the weight `heavy`."""
    tell(f"two tenants of weights {heavy:g} and 1")
    requests, each = _requests(MODEST_TEXTS), stage.connections // len(keys)
    got = compete(
        stage.target,
        [Demand(key=key, connections=each, requests=requests) for key in keys],
    )
    first, second = map(stage.rate, got)
    return Weights(heavy_weight=heavy, heavy=first, light=second)


def _requests(texts: int) -> list[tuple[str, ...]]:
    """Requests of so many paragraphs each."""
    found = paragraphs(texts * REQUESTS)
    return [found[start : start + texts] for start in range(0, len(found), texts)]
