"""Medians, percentiles, ratios and their targets."""

import pytest

from embeddings.bench.arithmetic import Quantity, Target, judge, median, percentile
from embeddings.bench.plan import Figure

OURS = Quantity(contender="ours", figure=Figure.BULK)
THEIRS = Quantity(contender="theirs", figure=Figure.BULK)


def measured(ours, theirs):
    return {("ours", Figure.BULK): ours, ("theirs", Figure.BULK): theirs}


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 1), (1, 1), (50, 5), (51, 6), (99, 10), (100, 10)]
)
def test_percentiles_are_values_that_occurred(percent, expected):
    assert percentile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], percent) == expected


def test_nothing_has_no_percentile():
    with pytest.raises(ValueError, match="of nothing"):
        percentile([], 50)


def test_median_is_that_of_the_rounds():
    assert median(measured([3.0, 100.0, 1.0], []), OURS) == 3.0
    assert median(measured([], []), THEIRS) is None


@pytest.mark.parametrize(
    ("bounds", "is_met"),
    [
        pytest.param({"at_least": 5}, True, id="reached exactly"),
        pytest.param({"at_least": 5.1}, False, id="missed"),
        pytest.param({"at_most": 5}, True, id="not exceeded"),
        pytest.param({"at_most": 4.9}, False, id="exceeded"),
        pytest.param({"at_least": 4, "at_most": 4.9}, False, id="outside"),
    ],
)
def test_a_ratio_of_medians_is_held_to_its_bounds(bounds, is_met):
    target = Target(title="speed", of=OURS, to=THEIRS, **bounds)

    verdict = judge(target, measured([10, 50, 1000], [10, 1, 99]))

    assert verdict.ratio == 5
    assert verdict.is_met is is_met


@pytest.mark.parametrize(("ours", "theirs"), [([], [1.0]), ([1.0], []), ([1.0], [0])])
def test_what_was_not_measured_is_neither_met_nor_missed(ours, theirs):
    target = Target(title="speed", of=OURS, to=THEIRS, at_least=1)

    verdict = judge(target, measured(ours, theirs))

    assert verdict.ratio is None
    assert verdict.is_met is None


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        ({"at_least": 5}, "≥ 5"),
        ({"at_most": 0.4}, "≤ 0.4"),
        ({"at_least": 0.85, "at_most": 1.15}, "≥ 0.85 and ≤ 1.15"),
    ],
)
def test_bounds_are_written_as_people_do(bounds, text):
    assert Target(title="speed", of=OURS, to=THEIRS, **bounds).bound == text
