"""What tiny model folders are made of: weights, tokenizers, the library's files.

Their weights are large on purpose: with small ones all texts get nearly one vector,
and a wrong mask, pooling or row would pass for the right one.
"""

import json
import math

import torch
from transformers import BertConfig, BertModel, XLMRobertaConfig, XLMRobertaModel

from tests.tiny_tokenizers import unigram, wordpiece

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


def dump(path, data):
    """Write JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False), "utf-8")


def fill(module, seed, *, gain=1.0):
    """Large seeded weights; the module, ready to be used."""
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
                size = 3.2 if any(part in name for part in SHARP) else 1.6
                weights.copy_(noise * gain * size / math.sqrt(weights.shape[-1]))
    return module.eval()


def save(folder, model, tokenizer, config, *, max_length, positions):
    """Write weights, tokenizer and lengths."""
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    dump(folder / "tokenizer_config.json", {**config, "model_max_length": positions})
    dump(folder / "sentence_bert_config.json", {"max_seq_length": max_length})


def sentence_files(folder, *modes, heads=(), include_prompt=None, **config):
    """Write modules.json, the pooling and the prompts."""
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


def bert(folder, seed, *, max_length=24, positions=64):
    """A small BERT with a WordPiece tokenizer."""
    tokenizer, config = wordpiece()
    shape = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=2 * WIDTH,
        max_position_embeddings=positions,
    )
    model = fill(BertModel(shape, add_pooling_layer=False), seed)
    sizes = {"max_length": max_length, "positions": 512}
    save(folder, model, tokenizer, config, **sizes)


def xlm_roberta(folder, seed):
    """A small XLM-R with a Unigram tokenizer, whose positions begin after the pad's."""
    tokenizer, config = unigram("xlm-r")
    shape = XLMRobertaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=2 * WIDTH,
        max_position_embeddings=66,
        type_vocab_size=1,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )
    model = fill(XLMRobertaModel(shape, add_pooling_layer=False), seed)
    save(folder, model, tokenizer, config, max_length=64, positions=64)
