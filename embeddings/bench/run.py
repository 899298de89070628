"""The run itself: contenders take turns, round by round, while the others rest."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from embeddings.bench.plan import ROWS, Contender, Contestant, Figure, Row
from embeddings.bench.watch import Watch
from embeddings.engine.spec import Floats


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
    watch: Watch,
    tell: Callable[[str], None],
) -> None:
    """Measure every row of every contender in each round, the first one in turn."""
    for number in range(rounds):
        first = number % len(contestants)
        order = [*contestants[first:], *contestants[:first]]
        for row in sorted(rows):
            for one in order:
                if row not in ROWS[one.contender.kind]:
                    continue
                tell(f"round {number + 1} of {rounds}: {row}, {one.contender.name}")
                found = watch.measured(one, row)
                for figure, value in found.items():
                    scores[one.contender.name].figures[figure].append(value)
    for one in contestants:
        score = scores[one.contender.name]
        score.peak_bytes = one.peak_bytes
        score.idle_share = watch.idle_share(one)


def measure_once(
    one: Contestant, row: Row, score: Score, tell: Callable[[str], None]
) -> None:
    """A row that takes too long for rounds."""
    tell(f"{row}, {one.contender.name}")
    score.figures |= {key: [value] for key, value in one.measure(row).items()}
