import pytest

from accounts.latency import BOUNDS_US, BUCKETS, quantile_us


def counts(**by_bucket):
    return [by_bucket.get(f"b{n}", 0) for n in range(BUCKETS)]


def test_bounds_rise_from_a_quarter_millisecond_to_minutes():
    assert BOUNDS_US[0] == 250
    assert 60e6 < BOUNDS_US[-1] < 120e6
    assert list(BOUNDS_US) == sorted(set(BOUNDS_US))


@pytest.mark.parametrize(
    ("histogram", "fraction", "expected"),
    [
        (counts(), 0.5, None),
        (counts(b0=1), 0.5, BOUNDS_US[0]),
        (counts(b0=1, b5=1), 0.5, BOUNDS_US[0]),
        (counts(b0=1, b5=1), 0.95, BOUNDS_US[5]),
        (counts(b0=95, b9=5), 0.95, BOUNDS_US[0]),
        (counts(b0=94, b9=6), 0.95, BOUNDS_US[9]),
        (counts(b38=1), 0.5, BOUNDS_US[-1]),
    ],
    ids=["none", "one", "half", "p95", "border", "over", "endless"],
)
def test_quantile_is_its_buckets_bound(histogram, fraction, expected):
    assert quantile_us(histogram, fraction) == expected
