"""Latency histograms with fixed bounds, so that any two can be added. Pure."""

from collections.abc import Sequence
from itertools import accumulate

#: Upper bounds in microseconds, each √2 times the one before: 250 µs to 92 s. One more
#: bucket takes what is above.
BOUNDS_US = tuple(round(250 * 2 ** (step / 2)) for step in range(38))
BUCKETS = len(BOUNDS_US) + 1


def quantile_us(counts: Sequence[int], fraction: float) -> int | None:
    """The bound below which `fraction` of the latencies lie; None: there are none.

    At most √2 times the true quantile; the last bucket answers with its lower bound.
    """
    total = sum(counts)
    if not total:
        return None
    wanted = max(1, round(fraction * total))
    bucket = next(i for i, sofar in enumerate(accumulate(counts)) if sofar >= wanted)
    return BOUNDS_US[min(bucket, len(BOUNDS_US) - 1)]
