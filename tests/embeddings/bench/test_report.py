"""What a run's findings look like."""

import io
import json

import pytest
from rich.console import Console

from embeddings.bench import machine
from embeddings.bench.arithmetic import Quantity, Target, Verdict
from embeddings.bench.corpus import lengths
from embeddings.bench.plan import Figure, Kind, Subject
from embeddings.bench.report import as_json, as_markdown, print_report, share
from embeddings.bench.run import Score
from embeddings.bench.session import Report
from tests.embeddings.bench.making import make_contender, make_workload
from tests.embeddings.engine.making import make_spec

QUANTITY = Quantity(contender="ours", figure=Figure.BULK)


@pytest.fixture
def report(minilm):
    ours, ceiling, absent = (
        Score(make_contender("ours"), cosine=0.99999, peak_bytes=3 << 20),
        Score(make_contender("products", Kind.CEILING), idle_share=0.01),
        Score(make_contender("absent"), lacks="nobody has it"),
    )
    ours.figures = {Figure.BULK: [2e9, 1e9, 9e9], Figure.SHORT: [1.25]}
    ceiling.figures = {Figure.FLOAT32: [1000.0], Figure.BFLOAT16: [2000.0]}
    target = Target(title="ours : ours", of=QUANTITY, to=QUANTITY, at_least=5)
    return Report(
        machine=machine.look(),
        subject=Subject(spec=make_spec(minilm), parameters=5, layers=0, width=0),
        rounds=3,
        is_quick=False,
        workload=make_workload(),
        lengths=lengths([3, 5, 7]),
        short_lengths=lengths([2]),
        scores=(ours, ceiling, absent),
        verdicts=(
            Verdict(target=target, ratio=4.5),
            Verdict(target=target, ratio=None),
        ),
        problems=("the sky fell",),
        metered=12,
        foreign_cores=0.25,
        disturbed=3,
        seconds=1.5,
    )


def test_share_is_the_models_arithmetic_by_the_ceiling(report):
    ours = report.scores[0]

    # 2e9 texts of 5 tokens on average, 10 operations a token, of 1000 GFLOP/s.
    assert share(report, ours) == pytest.approx(2e9 * 5 * 10 / 1e12)


@pytest.mark.parametrize(
    "changes", [{"kind": Kind.INFINITY}, {"device": "cuda"}], ids=str
)
def test_share_of_an_unknown_ceiling_is_unknown(report, changes):
    other = Score(make_contender("other", **changes))
    other.figures = {Figure.BULK: [1.0]}

    assert share(report, other) is None


def test_json_has_medians_and_rounds(report):
    found = json.loads(json.dumps(as_json(report)))

    assert [one["name"] for one in found["contenders"]] == [
        "ours",
        "products",
        "absent",
    ]
    assert found["contenders"][0]["figures"]["texts_per_s"] == {
        "median": 2e9,
        "rounds": [2e9, 1e9, 9e9],
    }
    assert found["targets"][0] == {
        "title": "ours : ours",
        "bound": "≥ 5",
        "ratio": 4.5,
        "is_met": False,
    }
    assert found["problems"] == ["the sky fell"]
    assert found["texts"]["tokens"] == 15


def test_the_printed_table_tells_the_same(report):
    out = io.StringIO()

    print_report(report, Console(file=out, width=200))

    for part in (
        *("2,000,000,000", "1.2", "0.999990", "NOT MET", "not measured", "4.50"),
        *("absent: not measured, nobody has it", "PROBLEM: the sky fell", "12"),
        *(
            "1,000 GFLOP/s in float32",
            "1.0% of one core",
            "0.25 cores busy meanwhile and disturbed 3 turns",
        ),
    ):
        assert part in out.getvalue()


def test_markdown_has_one_line_per_contender(report):
    text = as_markdown(report)

    assert "| ours | 2,000,000,000 |" in text
    assert "| ours : ours | 4.50 | ≥ 5 | NOT MET |" in text
    assert "| products |" not in text
    assert "**the sky fell**" in text
