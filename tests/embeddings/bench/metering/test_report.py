"""The trials' table."""

import dataclasses
import io

import pytest
from rich.console import Console

from embeddings.bench import machine
from embeddings.bench.metering.report import MeteringReport, print_metering
from embeddings.bench.metering.trials import Exactness, Speed, Survival

SPEED = Speed(requests_per_s=2345.6, p50_ms=3.4, p95_ms=9.9, unavailable=0)
EXACT = Exactness(runs=100, limit=20_000, overshot=0, unusable=0, wrongly_refused=0)
LIVED = Survival(
    kills=29,
    answered=12_345,
    missing=0,
    doubled=0,
    held=0,
    differences=0,
    seconds_to_rest=4.5,
)


@pytest.fixture
def report():
    return MeteringReport(
        machine=machine.look(),
        at_most=SPEED,
        at_200_per_s=SPEED,
        over_http=SPEED,
        exactness=EXACT,
        survival=LIVED,
    )


def printed(report):
    text = io.StringIO()
    print_metering(report, Console(file=text, width=160))
    return text.getvalue()


def test_every_figure_is_shown(report):
    text = printed(report)

    for figure in ("2,346/s", "p95 9.9 ms", "100 runs", "12,345 answers", "29 kill -9"):
        assert figure in text
    assert "PROBLEM" not in text
    assert report.as_json()["problems"] == []


@pytest.mark.parametrize(
    ("part", "changed"),
    [
        ("exactness", {"overshot": 1}),
        ("exactness", {"unusable": 1}),
        ("exactness", {"wrongly_refused": 1}),
        ("survival", {"missing": 1}),
        ("survival", {"doubled": 1}),
        ("survival", {"held": 1}),
        ("survival", {"differences": 1}),
    ],
)
def test_what_must_not_be_is_a_problem(report, part, changed):
    worse = dataclasses.replace(getattr(report, part), **changed)

    assert "PROBLEM" in printed(dataclasses.replace(report, **{part: worse}))


def test_what_was_left_out_is_not_shown(report):
    text = printed(dataclasses.replace(report, over_http=None, survival=None))

    assert "HTTP" not in text
    assert "kill" not in text
