"""One run from its beginning to its report, with contenders that pretend."""

import numpy as np
import pytest

from embeddings.bench import session as module
from embeddings.bench.child import ContenderError
from embeddings.bench.plan import Figure, Kind, Row
from embeddings.bench.session import Options, measure
from embeddings.bench.subject import subject_of
from tests.embeddings.bench.listening import listening
from tests.embeddings.engine.making import make_spec


class Pretender:
    """A child whose vectors all say how long a text is."""

    pids = ()
    peak_bytes = 1

    #: What some of them do wrong, by name.
    faults: dict = {}

    def __init__(self, contender, _subject):
        self.contender = contender
        self.fault = self.faults.get(contender.name)
        self.rows = []

    def prepare(self, _workload):
        if self.fault == "dies":
            raise ContenderError("it died")

    def vectors(self, texts):
        sign = -1 if self.fault == "differs" else 1
        return np.array([[len(text), sign] for text in texts], dtype=np.float32)

    def measure(self, row):
        if self.contender.kind is Kind.CEILING:
            return {Figure.FLOAT32: 1.0, Figure.BFLOAT16: 1.0}
        if row is Row.LONG:
            return {Figure.FEW: 4.0, Figure.MANY: 5.0}
        return {Figure.BULK: 10.0}

    def close(self):
        pass


@pytest.fixture
def run(minilm, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "Child", Pretender)

    def measured(faults=None, **changes):
        monkeypatch.setattr(Pretender, "faults", faults or {})
        facts = {
            "subject": subject_of(make_spec(minilm)),
            "rows": frozenset({Row.BULK}),
            "rounds": 2,
            "texts": 16,
            "is_quick": True,
            "has_http": False,
            "infinity": "",
            "only": frozenset(),
            "patience_s": 0.0,
            "database_url": "",
            "data_dir": tmp_path,
            "models_dir": tmp_path,
            "cache_folder": tmp_path,
        }
        return measure(Options(**{**facts, **changes}), tell=lambda _: None)

    return measured


def scores(report):
    return {score.contender.name: score for score in report.scores}


def test_everybody_is_measured_in_every_round(run):
    report = run()

    assert scores(report)["encode"].figures == {Figure.BULK: [10.0, 10.0]}
    assert scores(report)["matrix products"].figures[Figure.FLOAT32] == [1.0, 1.0]
    assert scores(report)["torch float32"].cosine == pytest.approx(1)
    assert report.problems == ()
    assert report.lengths.texts == 16
    assert report.verdicts[0].ratio == 1


def test_other_vectors_are_a_problem(run):
    report = run({"openvino float32": "differs"})

    (problem,) = report.problems
    assert "openvino float32: its vectors differ" in problem


def test_a_contender_that_fails_is_left_out_and_told(run):
    report = run({"torch float32": "dies"})

    assert report.problems == ("torch float32 failed: it died",)
    assert scores(report)["torch float32"].figures == {}
    assert scores(report)["encode"].figures


def test_without_the_reference_nothing_is_compared(run):
    report = run({"encode": "dies"})

    assert report.problems == ("encode failed: it died",)
    assert scores(report)["torch float32"].cosine is None


def test_only_the_chosen_forms_of_the_engine_take_part(run):
    report = run(only=frozenset({"torch float32"}))

    assert {"torch float32", "encode", "matrix products"} == scores(report).keys()


def test_the_long_row_is_that_of_the_usual_runtime(run):
    report = run(rows=frozenset({Row.BULK, Row.LONG}))

    assert scores(report)["openvino float32"].figures[Figure.MANY] == [5.0]
    assert Figure.MANY not in scores(report)["torch float32"].figures
    (long,) = (one for one in report.verdicts if "time per token" in one.target.title)
    assert long.ratio == 1.25
    assert long.is_met is False


def test_an_infinity_server_takes_part(run):
    with listening() as listener:
        report = run(infinity=listener.url)

    score = scores(report)["Infinity"]
    assert len(score.figures[Figure.BULK]) == 2
    assert score.cosine == pytest.approx(1)


def test_an_infinity_server_that_is_not_there_is_a_problem(run):
    report = run(infinity="http://127.0.0.1:1")

    assert len(report.problems) == 1
    assert "Infinity failed" in report.problems[0]
