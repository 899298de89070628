"""The machine's ceiling."""

from embeddings.bench.plan import Figure
from embeddings.bench.products import measure_products


def test_both_precisions_have_a_ceiling():
    found = measure_products("cpu", 32)

    assert found.keys() == {Figure.FLOAT32, Figure.BFLOAT16}
    assert min(found.values()) > 0
