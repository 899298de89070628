"""The run itself: contenders take turns, round by round, while the others rest."""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from embeddings.bench import machine
from embeddings.bench.plan import ROWS, Contender, Figure, Kind, Row, Workload
from embeddings.engine.spec import Floats


class Contestant(Protocol):
    """A contender that can be asked; each raises its own kind of failure."""

    contender: Contender

    @property
    def pids(self) -> tuple[int, ...]:
        """Its processes, as far as they are known."""
        ...

    @property
    def peak_bytes(self) -> int | None:
        """The most memory they have had together."""
        ...

    def prepare(self, workload: Workload) -> None:
        """Take the texts over and be ready."""
        ...

    def measure(self, row: Row) -> dict[Figure, float]:
        """The figures of one row, measured once."""
        ...

    def vectors(self, texts: Sequence[str]) -> Floats:
        """Vectors (texts, dimensions) in the order of the texts."""
        ...

    def close(self) -> None:
        """End what it started."""
        ...


@dataclass(slots=True)
class Score:
    """What one contender achieved; `cosine` is its least to the reference, `lacks`
    why there is nothing to tell.

    `idle_share` is the part of one core that it used while others were measured.
    """

    contender: Contender
    figures: dict[Figure, list[float]] = field(
        default_factory=lambda: defaultdict(list)
    )
    cosine: float | None = None
    peak_bytes: int | None = None
    idle_share: float | None = None
    lacks: str = ""

    @property
    def disagrees(self) -> bool:
        """Whether its vectors are not those of the reference: no result at all."""
        return self.cosine is not None and not (self.cosine >= self.contender.agreement)


def least_cosine(vectors: Floats, reference: Floats) -> float:
    """The least cosine between two texts' rows (texts, dimensions); NaN stays NaN."""
    if vectors.shape != reference.shape:
        return float("nan")
    left, right = (each.astype(np.float64) for each in (vectors, reference))
    norms = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return float(np.min(np.einsum("ij,ij->i", left, right) / norms))


def take_turns(
    contestants: Sequence[Contestant],
    scores: dict[str, Score],
    *,
    rows: Collection[Row],
    rounds: int,
    tell: Callable[[str], None],
) -> float | None:
    """Measure every row of every contender in each round, the first one in turn.

    Returns the cores that other programs kept busy meanwhile, None where unknown.
    """
    watch = _Watch(contestants)
    for number in range(rounds):
        first = number % len(contestants)
        order = [*contestants[first:], *contestants[:first]]
        for row in sorted(rows):
            for one in order:
                if row not in ROWS[one.contender.kind]:
                    continue
                tell(f"round {number + 1} of {rounds}: {row}, {one.contender.name}")
                with watch.turn_of(one):
                    found = one.measure(row)
                for figure, value in found.items():
                    scores[one.contender.name].figures[figure].append(value)
    for one in contestants:
        score = scores[one.contender.name]
        score.peak_bytes = one.peak_bytes
        score.idle_share = watch.idle_share(one)
    return watch.foreign_cores()


def measure_once(
    one: Contestant, row: Row, score: Score, tell: Callable[[str], None]
) -> None:
    """A row that takes too long for rounds."""
    tell(f"{row}, {one.contender.name}")
    score.figures |= {key: [value] for key, value in one.measure(row).items()}


class _Watch:
    """Who used the processor while somebody was measured: resting contenders, others.

    Others can be told apart only while one is measured whose processes are all known.
    """

    def __init__(self, contestants: Sequence[Contestant]) -> None:
        self._contestants = contestants
        self._idle_s: dict[str, float] = defaultdict(float)
        self._rested_s: dict[str, float] = defaultdict(float)
        self._foreign_s = 0.0
        self._watched_s = 0.0

    @contextmanager
    def turn_of(self, active: Contestant) -> Iterator[None]:
        """Watch while one is measured."""
        before, busy_s = self._used(), machine.busy_s()
        started = time.perf_counter()
        yield
        seconds = time.perf_counter() - started
        now_busy_s, after = machine.busy_s(), self._used()
        used = {name: after[name] - before[name] for name in after}
        for one in self._contestants:
            if one is not active:
                self._idle_s[one.contender.name] += used[one.contender.name]
                self._rested_s[one.contender.name] += seconds
        is_alone = active.contender.kind in {Kind.ENGINE, Kind.ENCODE, Kind.CEILING}
        if is_alone and busy_s is not None and now_busy_s is not None:
            self._foreign_s += max(0.0, now_busy_s - busy_s - sum(used.values()))
            self._watched_s += seconds

    def idle_share(self, one: Contestant) -> float | None:
        """The part of one core that it used while others were measured."""
        name = one.contender.name
        if not one.pids or not self._rested_s[name]:
            return None
        return self._idle_s[name] / self._rested_s[name]

    def foreign_cores(self) -> float | None:
        """Cores that programs which take no part kept busy."""
        return self._foreign_s / self._watched_s if self._watched_s else None

    def _used(self) -> dict[str, float]:
        found = {
            one.contender.name: sum(machine.cpu_s(pid) or 0.0 for pid in one.pids)
            for one in self._contestants
        }
        return found | {"": time.process_time()}
