"""The table, and what it says of the targets."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from embeddings.bench import machine
from embeddings.bench.fairness.report import FairnessReport, print_fairness
from embeddings.bench.fairness.trials import Neighbours, Weights


@pytest.fixture
def report():
    return FairnessReport(
        machine=machine.look(),
        connections=32,
        neighbours=Neighbours(
            capacity=10_000.0,
            alone_p50_ms=50.0,
            alone_p95_ms=100.0,
            beside_p50_ms=90.0,
            beside_p95_ms=200.0,
            wanted=4500.0,
            got_alone=4500.0,
            got_beside=4400.0,
            greedy_got=5000.0,
            refused=0,
            greedy_refused=3,
        ),
        weights=Weights(heavy_weight=2.0, heavy=6000.0, light=3000.0),
    )


def test_targets_that_are_met(report):
    assert report.as_json()["missed"] == []
    assert report.as_json()["slowdown"] == 2.0


@pytest.mark.parametrize(
    ("field", "changes", "missed"),
    [
        ("neighbours", {"beside_p95_ms": 201.0}, "p95 beside, by p95 alone"),
        ("neighbours", {"refused": 1}, "the same beside a greedy one"),
        ("weights", {"heavy": 5300.0}, "tokens by weights 2 to 1"),
        ("weights", {"heavy": 6700.0}, "tokens by weights 2 to 1"),
    ],
    ids=["slow", "refused", "too little", "too much"],
)
def test_targets_that_are_missed(report, field, changes, missed):
    worse = replace(getattr(report, field), **changes)

    found = replace(report, **{field: worse})

    assert found.as_json()["missed"] == [missed]


def test_the_table_tells_figures_and_verdicts(report):
    out = io.StringIO()

    print_fairness(report, Console(file=out, width=150))

    lines = out.getvalue().splitlines()
    assert any(
        "2.00" in line and "2 at most" in line and "met" in line for line in lines
    )
    assert any("10,000 tokens/s" in line for line in lines)
