"""Medians, percentiles, and whether a ratio reaches its target."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from embeddings.bench.plan import Figure

#: Figures of each round by contender's name and figure.
Measured = Mapping[tuple[str, Figure], Sequence[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """One figure of one contender."""

    contender: str
    figure: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the ratio of two quantities should be, `of` divided by `to`."""

    title: str
    of: Quantity
    to: Quantity
    at_least: float = 0.0
    at_most: float = math.inf

    @property
    def bound(self) -> str:
        """The bounds as a person writes them."""
        least = f"≥ {self.at_least:g}" if self.at_least else ""
        most = f"≤ {self.at_most:g}" if self.at_most < math.inf else ""
        return " and ".join(filter(None, (least, most)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A target and the ratio that was measured; None where one side is missing."""

    target: Target
    ratio: float | None

    @property
    def is_met(self) -> bool | None:
        """Whether the ratio lies within its bounds; None: not measured."""
        if self.ratio is None:
            return None
        return self.target.at_least <= self.ratio <= self.target.at_most


def median(measured: Measured, quantity: Quantity) -> float | None:
    """The median over the rounds; None where it was not measured."""
    values = measured.get((quantity.contender, quantity.figure), ())
    return statistics.median(values) if values else None


def judge(target: Target, measured: Measured) -> Verdict:
    """The ratio of two medians beside its target."""
    of, to = median(measured, target.of), median(measured, target.to)
    return Verdict(target=target, ratio=of / to if of is not None and to else None)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` of them do not exceed; raises on none."""
    if not values:
        raise ValueError("there is no percentile of nothing")
    rank = math.ceil(percent / 100 * len(values))
    return sorted(values)[max(0, rank - 1)]
