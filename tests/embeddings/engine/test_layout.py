"""What folders declare of themselves."""

import json

import pytest

from embeddings.engine import layout
from embeddings.engine.errors import ModelUnavailableError
from tests.tiny_parts import dump


@pytest.mark.parametrize(
    ("name", "limit"),
    [("minilm", 24), ("long", 64), ("mpnet", 64), ("qwen3", 128)],
    ids=["declared", "clamped", "offset", "decoder"],
)
def test_length_is_what_is_declared_and_usable(tiny, name, limit):
    assert layout.max_tokens(tiny(name)) == limit


def test_real_length_is_neither_the_tokenizers_nor_the_positions(minilm):
    assert layout.max_tokens(minilm) == 256


def test_folder_without_a_limit_is_refused(tmp_path):
    dump(tmp_path / "tokenizer_config.json", {"model_max_length": 10**30})

    with pytest.raises(ModelUnavailableError, match="no maximum length"):
        layout.max_tokens(tmp_path)


def test_default_prompt_has_the_empty_name(tiny):
    assert layout.prompts(tiny("prompted"))[""] == "document: "
    assert "" not in layout.prompts(tiny("qwen3"))


def test_modules_are_known_by_their_class(tiny):
    kinds = [entry.kind for entry in layout.modules(tiny("dense"))]

    assert kinds == ["Transformer", "Pooling", "Dense"]


def test_transformer_may_lie_below_the_root(tmp_path):
    entry = {"type": "sentence_transformers.models.Transformer", "path": "0_Body"}
    dump(tmp_path / "modules.json", [entry])
    dump(tmp_path / "0_Body/config.json", {"max_position_embeddings": 40})

    assert layout.usable_positions(tmp_path) == 40


@pytest.mark.parametrize("content", [{"a": 1}, [1], [{"path": ""}]], ids=json.dumps)
def test_modules_that_are_no_list_of_modules_are_refused(tmp_path, content):
    dump(tmp_path / "modules.json", content)

    with pytest.raises(ModelUnavailableError, match=r"modules\.json"):
        layout.modules(tmp_path)


@pytest.mark.parametrize("path", ["../other", "/etc", "a/../../other"])
def test_modules_outside_the_folder_are_refused(tmp_path, path):
    dump(tmp_path / "modules.json", [{"type": "Transformer", "path": path}])

    with pytest.raises(ModelUnavailableError, match="leads out of the model folder"):
        layout.modules(tmp_path)


def test_lexical_head_is_found_as_safetensors_first(tmp_path):
    assert layout.lexical_head(tmp_path) is None
    for name in ("sparse_linear.pt", "sparse_linear.safetensors"):
        (tmp_path / name).touch()

        assert layout.lexical_head(tmp_path) == tmp_path / name


def test_shorter_vectors_may_be_declared(tiny):
    assert layout.truncated_dimensions(tiny("truncdim")) == 8
    assert layout.truncated_dimensions(tiny("minilm")) is None
