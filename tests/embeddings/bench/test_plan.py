"""What is measured, of whom."""

import pytest

from embeddings.bench.plan import ROWS, Kind
from tests.embeddings.bench.making import TEXTS, make_contender, make_workload


def test_the_bulk_goes_in_requests_of_one_size():
    workload = make_workload()

    assert workload.request == TEXTS[:2]
    assert workload.requests == (TEXTS[:2], TEXTS[2:])


def test_quick_keeps_the_texts_and_asks_less():
    workload = make_workload(clients=32)

    quick = workload.quick()

    assert quick.paragraphs == workload.paragraphs
    assert quick.clients < workload.clients


@pytest.mark.parametrize(
    ("precision", "least"), [("float32", 0.9999), ("bfloat16", 0.999)]
)
def test_agreement_depends_on_precision(precision, least):
    assert make_contender(precision=precision).agreement == least


def test_every_kind_has_its_rows():
    assert ROWS.keys() == set(Kind)
