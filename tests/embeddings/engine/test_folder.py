"""Which folders may be served, and their facts."""

import json
import shutil

import pytest

from embeddings.engine import FolderFacts, Output, inspect
from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.manifest import fingerprint
from tests.tiny_parts import dump


def test_real_model_tells_its_facts(minilm):
    assert inspect(minilm) == FolderFacts(
        family="encoder",
        outputs=frozenset({Output.DENSE}),
        dimensions=384,
        max_tokens=256,
        prompts={},
        include_prompt=True,
        fingerprint=fingerprint(minilm),
    )


@pytest.mark.parametrize(
    ("name", "dimensions"),
    [("minilm", 32), ("dense", 12), ("pool-cls+mean", 64), ("truncdim", 8)],
)
def test_dimensions_are_those_of_the_vectors(tiny, name, dimensions):
    assert inspect(tiny(name)).dimensions == dimensions


def test_prompts_are_read(tiny):
    facts = inspect(tiny("prompted"))

    assert facts.prompts["query"] == "search query: "
    assert not facts.include_prompt


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nan", "not finite"),
        ("missing-keys", r"weights are missing: .*encoder\.layer\.1\.output\.dense"),
        ("corrupt", "cut short"),
        ("no-tokenizer", "tokenizer is not on this disk"),
        ("remote-code", "remote code"),
        ("static", "StaticEmbedding are not supported"),
    ],
)
def test_broken_folders_are_refused_with_the_reason(tiny, name, reason):
    with pytest.raises(ModelUnavailableError, match=reason):
        inspect(tiny(name))


@pytest.mark.parametrize("name", ["splade", "splade-bare", "splade-doc", "static"])
@pytest.mark.parametrize("family", ["encoder", "instructor", "bge_m3"])
def test_no_pooling_is_made_up_for_other_folders(tiny, name, family):
    with pytest.raises(ModelUnavailableError, match="a transformer with a pooling"):
        inspect(tiny(name), family=family)


def test_code_of_a_folder_never_runs(tiny):
    with pytest.raises(ModelUnavailableError):
        inspect(tiny("remote-code"))

    assert not (tiny("remote-code") / "ran.txt").exists()


def test_modules_of_others_are_refused(tiny, tmp_path):
    folder = shutil.copytree(tiny("minilm"), tmp_path / "copy")
    dump(folder / "modules.json", [{"path": "", "type": "os.system"}])

    with pytest.raises(ModelUnavailableError, match=r"os\.system is remote code"):
        inspect(folder)


def test_bare_transformers_folder_is_refused(tiny, tmp_path):
    folder = shutil.copytree(tiny("minilm"), tmp_path / "copy")
    (folder / "modules.json").unlink()

    with pytest.raises(ModelUnavailableError, match=r"modules\.json is missing"):
        inspect(folder)


def test_sizes_that_contradict_the_weights_are_refused(tiny, tmp_path, caplog):
    folder = shutil.copytree(tiny("minilm"), tmp_path / "copy")
    config = json.loads((folder / "config.json").read_text())
    dump(folder / "config.json", {**config, "hidden_size": 48})

    with pytest.raises(ModelUnavailableError, match="cannot be loaded"):
        inspect(folder)

    assert "cannot be loaded" in caplog.text
