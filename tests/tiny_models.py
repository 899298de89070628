"""Tiny model folders with the files of published ones; nothing in them is trained.

Their weights are large on purpose: with small ones all texts get nearly one vector,
and a wrong mask, pooling or row would pass for the right one.
"""

import json
import math

import torch
from safetensors.torch import load_file, save_file
from transformers import (
    BertConfig,
    BertModel,
    MPNetConfig,
    MPNetModel,
    Qwen3Config,
    Qwen3Model,
)

from tests.tiny_tokenizers import byte_bpe, wordpiece

WIDTH = 32
SHARP = ("attention", "attn")
#: Modes, and the keys by which published folders name them.
POOLINGS = {
    "cls": "pooling_mode_cls_token",
    "mean": "pooling_mode_mean_tokens",
    "max": "pooling_mode_max_tokens",
    "mean_sqrt_len_tokens": "pooling_mode_mean_sqrt_len_tokens",
    "weightedmean": "pooling_mode_weightedmean_tokens",
    "lasttoken": "pooling_mode_lasttoken",
}
TYPES = "sentence_transformers.models."


def build(name, folder):
    """Make the folder of the model of this name; its path."""
    folder.mkdir(parents=True)
    if name.startswith("pool-"):
        _pooled(folder, name.removeprefix("pool-"))
    else:
        MODELS[name](folder)
    return folder


def dump(path, data):
    """Write JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False), "utf-8")


def _fill(module, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weights in sorted(module.named_parameters()):
            noise = torch.randn(weights.shape, generator=generator)
            if "norm" in name.lower() and name.endswith("weight"):
                weights.copy_(1 + 0.1 * noise)
            elif weights.dim() == 1:
                weights.copy_(0.1 * noise)
            elif "embed" in name or "relative_attention_bias" in name:
                weights.copy_(noise)
            else:
                gain = 3.2 if any(part in name for part in SHARP) else 1.6
                weights.copy_(noise * gain / math.sqrt(weights.shape[-1]))
    return module.eval()


def _save(folder, model, tokenizer, config, *, max_length, positions):
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    dump(folder / "tokenizer_config.json", {**config, "model_max_length": positions})
    dump(folder / "sentence_bert_config.json", {"max_seq_length": max_length})


def _sentence_files(folder, *modes, heads=(), include_prompt=None, **config):
    pooling = {key: mode in modes for mode, key in POOLINGS.items()}
    pooling["word_embedding_dimension"] = WIDTH
    if include_prompt is not None:
        pooling["include_prompt"] = include_prompt
    dump(folder / "1_Pooling/config.json", pooling)
    kinds = ("Transformer", "Pooling", *heads)
    paths = ("", *(f"{number}_{kind}" for number, kind in enumerate(kinds) if number))
    dump(
        folder / "modules.json",
        [
            {"idx": n, "name": str(n), "path": path, "type": TYPES + kind}
            for n, (path, kind) in enumerate(zip(paths, kinds, strict=True))
        ],
    )
    dump(folder / "config_sentence_transformers.json", config)


def _bert(folder, seed, *, max_length=24, positions=64):
    tokenizer, config = wordpiece()
    shape = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=2 * WIDTH,
        max_position_embeddings=positions,
    )
    model = _fill(BertModel(shape, add_pooling_layer=False), seed)
    sizes = {"max_length": max_length, "positions": 512}
    _save(folder, model, tokenizer, config, **sizes)


def _minilm(folder):
    """As all-MiniLM-L6-v2: mean, Normalize (whose folder does not exist)."""
    _bert(folder, 11)
    _sentence_files(folder, "mean", heads=["Normalize"])


def _pooled(folder, modes):
    _bert(folder, 20)
    _sentence_files(folder, *modes.split("+"))


def _dense(folder):
    """As LaBSE: mean, Dense with Tanh, no Normalize."""
    _bert(folder, 21)
    _sentence_files(folder, "mean", heads=["Dense"])
    layer = _fill(torch.nn.Linear(WIDTH, 12), 211)
    dump(
        folder / "2_Dense/config.json",
        {
            "in_features": WIDTH,
            "out_features": 12,
            "bias": True,
            "activation_function": "torch.nn.modules.activation.Tanh",
        },
    )
    weights = {f"linear.{key}": value for key, value in layer.state_dict().items()}
    save_file(weights, folder / "2_Dense/model.safetensors")


def _prompted(folder, *modes):
    """A default prompt, whose tokens leave the pooling, [CLS] with them."""
    _bert(folder, 22)
    _sentence_files(
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
    _bert(folder, 23)
    _sentence_files(folder, "mean", heads=["Normalize"], truncate_dim=8)


def _long(folder):
    """Declares more tokens than it has positions for."""
    _bert(folder, 24, max_length=500, positions=64)
    _sentence_files(folder, "mean", heads=["Normalize"])


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
    model = _fill(MPNetModel(shape, add_pooling_layer=False), 25)
    _save(folder, model, tokenizer, config, max_length=512, positions=512)
    _sentence_files(folder, "mean", heads=["Normalize"])


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
    model = _fill(Qwen3Model(shape), 33)
    _save(folder, model, tokenizer, config, max_length=128, positions=128)
    _sentence_files(
        folder,
        "lasttoken",
        heads=["Normalize"],
        prompts={"query": "Instruct: find passages\nQuery:", "document": ""},
    )


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


def _splade(folder):
    """A sparse model, by its modules."""
    _minilm(folder)
    sparse = "sentence_transformers.sparse_encoder.models."
    kinds = {"": "MLMTransformer", "1_SpladePooling": "SpladePooling"}
    dump(
        folder / "modules.json",
        [{"path": path, "type": sparse + kind} for path, kind in kinds.items()],
    )


MODELS = {
    "minilm": _minilm,
    "dense": _dense,
    "prompted": _prompted,
    "weighted-prompted": _weighted_prompted,
    "truncdim": _truncdim,
    "long": _long,
    "mpnet": _mpnet,
    "qwen3": _qwen3,
    "nan": _nan,
    "poison": _poison,
    "missing-keys": _missing_keys,
    "corrupt": _corrupt,
    "no-tokenizer": _no_tokenizer,
    "remote-code": _remote_code,
    "splade": _splade,
}
