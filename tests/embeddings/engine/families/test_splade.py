"""SPLADE beside sentence-transformers, and folders that must not be served."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SparseEncoder

from embeddings.engine import Job, Output, Truncate, inspect
from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.families import splade
from embeddings.engine.families.splade import FAMILY
from embeddings.engine.spec import Placement
from tests.embeddings.engine.making import make_spec
from tests.tiny_models import build
from tests.tiny_parts import dump

TEXTS = ["mars is red", "The quick brown fox jumps over the lazy dog.", "", "hello"]


def spec_of(folder, **changes):
    facts = {"family": "splade", "outputs": frozenset({Output.SPARSE})}
    return make_spec(folder, **{**facts, "max_tokens": 48, **changes})


def embed(spec, texts=TEXTS):
    job = Job(
        spec=spec, inputs=tuple(texts), truncate=Truncate.END, output=Output.SPARSE
    )
    return FAMILY.load(spec, Placement()).embed(FAMILY.tokenizer(spec).rows(job))


def dense(vectors, width):
    made = np.zeros((len(vectors), width))
    for line, vector in enumerate(vectors):
        made[line, vector.indices] = vector.values
    return made


@pytest.mark.parametrize(
    ("name", "route", "task"),
    [
        ("splade", "", None),
        ("splade-doc", "", "document"),
        ("splade-doc", "query", "query"),
        ("splade-query", "", "query"),
        ("splade-query", "document", "document"),
    ],
)
def test_vectors_are_those_of_sentence_transformers(tiny, name, route, task):
    folder = tiny(name)
    theirs = SparseEncoder(str(folder), device="cpu")
    options = {"task": task} if task else {}

    found = embed(spec_of(folder, route=route))

    expected = theirs.encode(TEXTS, convert_to_sparse_tensor=False, **options).numpy()
    assert dense(found, expected.shape[1]) == pytest.approx(expected, abs=1e-4)


def test_long_text_is_pooled_piece_by_piece(tiny, monkeypatch):
    spec = spec_of(tiny("splade"))
    whole = embed(spec, ["mars is red " * 12])
    monkeypatch.setattr(splade, "CHUNK_TOKENS", 5)

    pieces = embed(spec, ["mars is red " * 12])

    assert dense(pieces, 300) == pytest.approx(dense(whole, 300), abs=1e-5)


@pytest.mark.parametrize("name", ["splade", "splade-bare", "splade-doc"])
def test_router_and_bare_model_are_told_apart(tiny, name):
    folder = tiny(name)

    assert FAMILY.matches(folder) is (name != "splade-bare")
    facts = inspect(folder, family="splade")
    assert facts.route == ("document" if name == "splade-doc" else "")
    assert facts.outputs == {Output.SPARSE}


def test_language_model_alone_is_not_taken_for_splade(tiny):
    with pytest.raises(ModelUnavailableError, match=r"modules\.json is missing"):
        inspect(tiny("splade-bare"))


def _edit(folder, change):
    path = folder / "model.safetensors"
    weights = load_file(path)
    change(weights)
    save_file(weights, path, {"format": "pt"})


def _spoil(weights):
    weights["cls.predictions.transform.dense.weight"].fill_(torch.nan)


def _lose(weights):
    del weights["cls.predictions.transform.dense.weight"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [(_spoil, "not finite"), (_lose, r"missing: cls\.predictions\.transform")],
    ids=["nan", "missing"],
)
def test_damaged_head_is_refused_with_the_reason(tmp_path, change, reason):
    folder = build("splade", tmp_path / "model")
    _edit(folder, change)

    with pytest.raises(ModelUnavailableError, match=reason):
        inspect(folder)


def test_vector_that_is_no_number_is_seen(tmp_path):
    folder = build("splade", tmp_path / "model")
    _edit(folder, _spoil)

    (vector,) = embed(spec_of(folder), ["hello"])

    assert np.isnan(vector.values).any()


@pytest.mark.parametrize("name", ["splade", "bge-m3"])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda folder: (folder / "tokenizer.json").unlink(), "tokenizer is not on"),
        (lambda folder: (folder / "model.safetensors").unlink(), "weights are not on"),
        (lambda folder: (folder / "pytorch_model.bin").touch(), "could run code"),
        (lambda folder: dump(folder / "config.json", {"auto_map": {}}), "remote code"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b""), "safetensors"),
    ],
    ids=["no-tokenizer", "no-weights", "pickle", "code", "empty"],
)
def test_broken_folder_is_refused_with_the_reason(tmp_path, name, change, reason):
    folder = build(name, tmp_path / "model")
    change(folder)

    with pytest.raises(ModelUnavailableError, match=reason):
        inspect(folder)


def test_size_is_the_routes_own(tiny):
    small, large = (
        FAMILY.estimate_bytes(
            spec_of(tiny("splade-query"), route=route), batch_tokens=0
        )
        for route in ("query", "document")
    )

    assert small < large


def test_size_has_room_for_a_chunk_of_logits(tiny):
    spec = spec_of(tiny("splade"), dimensions=30522)

    small = FAMILY.estimate_bytes(spec, batch_tokens=0)

    assert small > 64 * 2**20 + splade.CHUNK_TOKENS * 30522 * 4
    assert FAMILY.estimate_bytes(spec, batch_tokens=1000) > small


def test_model_can_be_closed(tiny):
    spec = spec_of(tiny("splade"))
    model = FAMILY.load(spec, Placement())

    assert not model.is_out_of_memory(ValueError())
    assert model.runtime == "torch"
    model.close()
    assert not hasattr(model, "_head")
