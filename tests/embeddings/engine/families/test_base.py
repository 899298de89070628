"""Where a model is put."""

from embeddings.engine.families.base import Placement


def test_models_compute_on_one_core_unless_told():
    assert Placement() == Placement(device="cpu", threads=1)
