"""Tiny model folders with the files of published ones; nothing in them is trained."""

import json

import torch
from safetensors.torch import load_file, save_file
from transformers import (
    ModernBertConfig,
    ModernBertModel,
    MPNetConfig,
    MPNetModel,
    NomicBertConfig,
    NomicBertModel,
    Qwen3Config,
    Qwen3Model,
    T5Config,
    T5EncoderModel,
)

from tests.tiny_parts import WIDTH, bert, dump, fill, save, sentence_files, xlm_roberta
from tests.tiny_sparse_models import SPARSE_MODELS
from tests.tiny_tokenizers import byte_bpe, unigram, wordpiece


def build(name, folder):
    """Make the folder of the model of this name; its path."""
    folder.mkdir(parents=True)
    if name.startswith("pool-"):
        _pooled(folder, name.removeprefix("pool-"))
    else:
        MODELS[name](folder)
    return folder


def _minilm(folder):
    """As all-MiniLM-L6-v2: mean, Normalize (whose folder does not exist)."""
    bert(folder, 11)
    sentence_files(folder, "mean", heads=["Normalize"])


def _pooled(folder, modes):
    bert(folder, 20)
    sentence_files(folder, *modes.split("+"))


def _dense(folder):
    """As LaBSE: mean, Dense with Tanh, no Normalize."""
    bert(folder, 21)
    sentence_files(folder, "mean", heads=["Dense"])
    _dense_files(folder, 12, activation="activation.Tanh", seed=211)


def _dense_files(folder, size, *, activation, seed):
    has_bias = activation.endswith("Tanh")
    layer = fill(torch.nn.Linear(WIDTH, size, bias=has_bias), seed)
    dump(
        folder / "2_Dense/config.json",
        {
            "in_features": WIDTH,
            "out_features": size,
            "bias": has_bias,
            "activation_function": f"torch.nn.modules.{activation}",
        },
    )
    weights = {f"linear.{key}": value for key, value in layer.state_dict().items()}
    save_file(weights, folder / "2_Dense/model.safetensors")


def _prompted(folder, *modes):
    """A default prompt, whose tokens leave the pooling, [CLS] with them."""
    bert(folder, 22)
    sentence_files(
        folder,
        *(modes or ["mean"]),
        heads=["Normalize"],
        include_prompt=False,
        prompts={"query": "search query: ", "document": "document: "},
        default_prompt_name="document",
    )


def _weighted_prompted(folder):
    _prompted(folder, "weightedmean")


def _truncdim(folder):
    """Declares shorter vectors than it makes."""
    bert(folder, 23)
    sentence_files(folder, "mean", heads=["Normalize"], truncate_dim=8)


def _long(folder):
    """Declares more tokens than it has positions for."""
    bert(folder, 24, max_length=500, positions=64)
    sentence_files(folder, "mean", heads=["Normalize"])


def _mpnet(folder):
    """Positions begin after the pad token's."""
    tokenizer, config = wordpiece()
    shape = MPNetConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=2 * WIDTH,
        max_position_embeddings=66,
        pad_token_id=1,
    )
    model = fill(MPNetModel(shape, add_pooling_layer=False), 25)
    save(folder, model, tokenizer, config, max_length=512, positions=512)
    sentence_files(folder, "mean", heads=["Normalize"])


def _e5(folder):
    """As multilingual-e5; its prompts are the catalog's."""
    xlm_roberta(folder, 31)
    sentence_files(folder, "mean", heads=["Normalize"])


def _modernbert(folder):
    """Rotary positions, layers that look around locally."""
    tokenizer, config = wordpiece()
    shape = ModernBertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=2 * WIDTH,
        max_position_embeddings=64,
        pad_token_id=0,
        cls_token_id=2,
        bos_token_id=2,
        sep_token_id=3,
        eos_token_id=3,
    )
    model = fill(ModernBertModel(shape), 26)
    save(folder, model, tokenizer, config, max_length=24, positions=64)
    sentence_files(folder, "cls", heads=["Normalize"])


def _nomic(folder):
    """As nomic-embed-text-v1.5, whose architecture the library has."""
    tokenizer, config = wordpiece()
    shape = NomicBertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=2 * WIDTH,
        max_position_embeddings=64,
    )
    model = fill(NomicBertModel(shape, add_pooling_layer=False), 27)
    save(folder, model, tokenizer, config, max_length=24, positions=64)
    sentence_files(folder, "mean", heads=["Normalize"])


def _qwen3(folder):
    """As Qwen3-Embedding: causal, last token, prompts in the folder."""
    tokenizer, config = byte_bpe()
    shape = Qwen3Config(
        vocab_size=(tokenizer.get_vocab_size() + 15) // 16 * 16,
        hidden_size=WIDTH,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        max_position_embeddings=128,
    )
    model = fill(Qwen3Model(shape), 33)
    save(folder, model, tokenizer, config, max_length=128, positions=128)
    sentence_files(
        folder,
        "lasttoken",
        heads=["Normalize"],
        prompts={"query": "Instruct: find passages\nQuery:", "document": ""},
    )


def _instructor(folder):
    """As INSTRUCTOR: T5, mean, Dense without bias, Normalize."""
    tokenizer, config = unigram("t5")
    shape = T5Config(
        vocab_size=tokenizer.get_vocab_size(),
        d_model=WIDTH,
        d_kv=8,
        d_ff=2 * WIDTH,
        num_layers=2,
        num_heads=4,
        relative_attention_num_buckets=8,
        relative_attention_max_distance=16,
        feed_forward_proj="relu",
        pad_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=0,
    )
    model = fill(T5EncoderModel(shape), 51, gain=0.5)
    save(folder, model, tokenizer, config, max_length=48, positions=48)
    sentence_files(folder, "mean", heads=["Dense", "Normalize"])
    _dense_files(folder, 24, activation="linear.Identity", seed=511)


def _edit_weights(folder, change):
    _minilm(folder)
    weights = load_file(folder / "model.safetensors")
    save_file(change(weights), folder / "model.safetensors", {"format": "pt"})


def _nan(folder):
    """Loads, then makes vectors that are not finite."""

    def spoil(weights):
        name = "encoder.layer.0.intermediate.dense.weight"
        return {**weights, name: torch.full_like(weights[name], torch.nan)}

    _edit_weights(folder, spoil)


def _poison(folder):
    """The word "lazy" alone makes a vector that is not finite."""
    tokenizer, _ = wordpiece()

    def spoil(weights):
        weights["embeddings.word_embeddings.weight"][tokenizer.token_to_id("lazy")] = (
            torch.nan
        )
        return weights

    _edit_weights(folder, spoil)


def _missing_keys(folder):
    """A layer's weights are not in the file."""
    gone = "encoder.layer.1.output.dense"
    _edit_weights(
        folder,
        lambda weights: {k: v for k, v in weights.items() if gone not in k},
    )


def _corrupt(folder):
    """The file of weights is cut in the middle."""
    _minilm(folder)
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _no_tokenizer(folder):
    _minilm(folder)
    (folder / "tokenizer.json").unlink()


def _remote_code(folder):
    """Asks for Python code of the folder, which would leave a file behind."""
    _minilm(folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    evil = {"AutoConfig": "evil.EvilConfig", "AutoModel": "evil.EvilModel"}
    dump(folder / "config.json", {**config, "model_type": "evil", "auto_map": evil})
    (folder / "evil.py").write_text(
        "from pathlib import Path\nPath(__file__).with_name('ran.txt').touch()\n"
    )


def _static(folder):
    """Of a kind that no family reads."""
    _minilm(folder)
    kind = "sentence_transformers.models.StaticEmbedding"
    modules = [{"idx": 0, "name": "0", "path": "", "type": kind}]
    dump(folder / "modules.json", modules)


MODELS = {
    "minilm": _minilm,
    "dense": _dense,
    "prompted": _prompted,
    "weighted-prompted": _weighted_prompted,
    "truncdim": _truncdim,
    "long": _long,
    "mpnet": _mpnet,
    "e5": _e5,
    "modernbert": _modernbert,
    "nomic": _nomic,
    "qwen3": _qwen3,
    "instructor": _instructor,
    "nan": _nan,
    "poison": _poison,
    "missing-keys": _missing_keys,
    "corrupt": _corrupt,
    "no-tokenizer": _no_tokenizer,
    "remote-code": _remote_code,
    "static": _static,
    **SPARSE_MODELS,
}
