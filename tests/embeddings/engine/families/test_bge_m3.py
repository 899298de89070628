"""bge-m3's folder and its second head; its vectors are compared elsewhere."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from embeddings.engine import Job, Output, inspect
from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.families.bge_m3 import FAMILY
from embeddings.engine.spec import Placement
from tests.embeddings.engine.making import make_spec
from tests.tiny_models import build


def sparse_rows(spec, *texts):
    job = Job(spec=spec, inputs=texts, output=Output.SPARSE)
    return FAMILY.tokenizer(spec).rows(job)


def spec_of(folder):
    return make_spec(folder, family="bge_m3", outputs=frozenset(Output))


@pytest.fixture
def copy(tmp_path):
    return build("bge-m3", tmp_path / "model")


def test_folder_makes_both_kinds(tiny):
    facts = inspect(tiny("bge-m3"))

    assert (facts.family, facts.outputs) == ("bge_m3", frozenset(Output))


def test_folder_without_the_head_is_an_encoder(copy):
    (copy / "sparse_linear.pt").unlink()

    assert inspect(copy).family == "encoder"
    with pytest.raises(ModelUnavailableError, match=r"sparse_linear\.pt is missing"):
        FAMILY.load(spec_of(copy), Placement())


def test_special_tokens_weigh_nothing(tiny):
    spec = spec_of(tiny("bge-m3"))
    rows = sparse_rows(spec, "mars \u2603", "")

    vectors = FAMILY.load(spec, Placement()).embed(rows)

    assert rows[0].ids[0] == 0
    assert not {0, 1, 2, 3} & set(vectors[0].indices.tolist())
    assert len(vectors[1].indices) == len(vectors[1].values) == 0


def test_head_may_be_a_safetensors_file(copy):
    spec = spec_of(copy)
    before = FAMILY.load(spec, Placement()).embed(sparse_rows(spec, "mars is red"))
    head = torch.load(copy / "sparse_linear.pt", weights_only=True)
    save_file(head, copy / "sparse_linear.safetensors")
    (copy / "sparse_linear.pt").unlink()

    after = FAMILY.load(spec, Placement()).embed(sparse_rows(spec, "mars is red"))

    assert np.array_equal(before[0].values, after[0].values)


class Evil:
    """What a pickle can do when it is read."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('it ran')",))


@pytest.mark.parametrize(
    "content",
    [Evil(), {"weight": torch.ones(2, 2)}, {}, [1]],
    ids=["code", "shape", "empty", "list"],
)
def test_head_that_is_no_head_is_refused_unread(copy, content):
    torch.save(content, copy / "sparse_linear.pt")

    with pytest.raises(
        ModelUnavailableError, match=r"sparse_linear\.pt cannot be read"
    ):
        inspect(copy)


def test_weights_that_are_no_numbers_are_seen(copy):
    head = {"weight": torch.full((1, 32), torch.nan), "bias": torch.zeros(1)}
    torch.save(head, copy / "sparse_linear.pt")
    spec = spec_of(copy)

    (vector,) = FAMILY.load(spec, Placement()).embed(sparse_rows(spec, "mars"))

    assert np.isnan(vector.values).all()
    assert len(vector.values)


@pytest.mark.parametrize("name", ["other.pt", "1_Pooling/sparse_linear.pt"])
def test_no_other_pickle_is_let_in(copy, name):
    torch.save({}, copy / name)

    with pytest.raises(ModelUnavailableError, match="could run code"):
        inspect(copy)
