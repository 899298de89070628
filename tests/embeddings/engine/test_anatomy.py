"""What a folder's files tell of a model's size and shape."""

import json
import shutil

import pytest

from embeddings.engine.anatomy import Anatomy, anatomy


@pytest.fixture
def folder(tiny, tmp_path):
    return shutil.copytree(tiny("minilm"), tmp_path / "copy")


def test_the_real_model_has_its_known_measures(minilm):
    found = anatomy(minilm, fingerprint="")

    assert found.architecture == "bert"
    assert (found.layers, found.heads, found.feed_forward) == (6, 12, 1536)
    assert 22_000_000 < found.parameters < 23_000_000
    assert found.size_bytes > found.parameters


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (
            {"model_type": "t5", "num_layers": 2, "num_heads": 3, "d_ff": 4},
            ("t5", 2, 3, 4),
        ),
        (
            {"model_type": "nomic_bert", "n_layer": 5, "n_head": 6, "n_inner": 7},
            ("nomic_bert", 5, 6, 7),
        ),
        ({"num_layers": "2", "n_head": True}, ("", 0, 0, 0)),
    ],
    ids=["t5", "nomic", "odd"],
)
def test_architectures_have_words_of_their_own(folder, facts, expected):
    (folder / "config.json").write_text(json.dumps(facts), "utf-8")

    found = anatomy(folder, fingerprint="")

    assert (
        found.architecture,
        found.layers,
        found.heads,
        found.feed_forward,
    ) == expected


def test_a_folder_is_read_once_for_its_fingerprint(folder):
    first = anatomy(folder, fingerprint="one")
    (folder / "more.txt").write_text("12345", "ascii")

    assert anatomy(folder, fingerprint="one") is first
    assert anatomy(folder, fingerprint="two").size_bytes == first.size_bytes + 5


def test_a_folder_that_cannot_be_read_tells_nothing(folder, tmp_path):
    (folder / "config.json").write_text("{", "ascii")

    assert anatomy(folder, fingerprint="") == Anatomy()
    assert anatomy(tmp_path / "nowhere", fingerprint="") == Anatomy()


def test_a_model_without_weights_has_no_parameters(tmp_path):
    (tmp_path / "bm25.json").write_text("{}", "ascii")

    found = anatomy(tmp_path, fingerprint="")

    assert (found.size_bytes, found.parameters, found.architecture) == (2, 0, "")
