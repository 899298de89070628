"""Tiny folders of sparse models and of those with two kinds of vectors."""

import torch
from transformers import (
    BertConfig,
    BertForMaskedLM,
    DistilBertConfig,
    DistilBertForMaskedLM,
)

from tests.tiny_parts import WIDTH, dump, fill, save, sentence_files, xlm_roberta
from tests.tiny_tokenizers import wordpiece

SPARSE_TYPES = "sentence_transformers.sparse_encoder.models."
POOLING = {
    "pooling_strategy": "max",
    "activation_function": "relu",
    "word_embedding_dimension": None,
}
#: Logits are mostly negative, as a trained model's are.
SHIFT = 9.0


def _fill(model, seed):
    fill(model, seed)
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if name in ("cls.predictions.bias", "vocab_projector.bias"):
                noise = torch.randn(weights.shape, generator=generator)
                weights.copy_(0.3 * noise - SHIFT)
    return model


def _bert(folder, seed, *, width=WIDTH):
    tokenizer, config = wordpiece()
    shape = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=width,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=2 * width,
        max_position_embeddings=64,
    )
    model = _fill(BertForMaskedLM(shape), seed)
    save(folder, model, tokenizer, config, max_length=48, positions=64)


def _distilbert(folder, seed):
    tokenizer, config = wordpiece()
    shape = DistilBertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        dim=WIDTH,
        n_layers=2,
        n_heads=4,
        hidden_dim=2 * WIDTH,
        max_position_embeddings=64,
        pad_token_id=0,
    )
    model = _fill(DistilBertForMaskedLM(shape), seed)
    config = {**config, "tokenizer_class": "DistilBertTokenizer"}
    save(folder, model, tokenizer, config, max_length=48, positions=64)


def splade(folder, **pooling):
    """As Splade_PP_en_v1 with the files of sentence-transformers."""
    _bert(folder, 41)
    dump(folder / "1_SpladePooling/config.json", {**POOLING, **pooling})
    kinds = {"": "MLMTransformer", "1_SpladePooling": "SpladePooling"}
    modules = [
        {"idx": n, "name": str(n), "path": path, "type": SPARSE_TYPES + kind}
        for n, (path, kind) in enumerate(kinds.items())
    ]
    dump(folder / "modules.json", modules)
    dump(folder / "config_sentence_transformers.json", {"model_type": "SparseEncoder"})


def _summed(folder):
    """The first version's sums, and OpenSearch's second logarithm."""
    splade(folder, pooling_strategy="sum", activation_function="log1p_relu")


def _bare(folder):
    """As older repositories: files of transformers alone."""
    _bert(folder, 41)
    (folder / "sentence_bert_config.json").unlink()


def _routed(folder, side):
    """As efficient-splade: two encoders, the repository's own in the root."""
    other = "query" if side == "document" else "document"
    places = {side: "", other: f"{other}_0_MLMTransformer"}
    _distilbert(folder / places["document"], 42)
    _bert(folder / places["query"], 43, width=16)
    types, structure = {}, {}
    for name, place in places.items():
        pooling = f"{name}_1_SpladePooling"
        dump(folder / pooling / "config.json", POOLING)
        types[place] = SPARSE_TYPES + "MLMTransformer.MLMTransformer"
        types[pooling] = SPARSE_TYPES + "SpladePooling.SpladePooling"
        structure[name] = [place, pooling]
    parameters = {"default_route": side, "allow_empty_key": True}
    dump(
        folder / "router_config.json",
        {"types": types, "structure": structure, "parameters": parameters},
    )
    router = "sentence_transformers.models.Router"
    modules = [{"idx": 0, "name": "0", "path": "", "type": router}]
    dump(folder / "modules.json", modules)
    dump(folder / "config_sentence_transformers.json", {"model_type": "SparseEncoder"})


def _bge_m3(folder):
    """XLM-R, the first token, and a head of one number per token."""
    xlm_roberta(folder, 32)
    sentence_files(folder, "cls", heads=["Normalize"])
    head = fill(torch.nn.Linear(WIDTH, 1), 321)
    # Some tokens of most texts weigh something, and some do not.
    head.bias.data.fill_(2.0)
    torch.save(head.state_dict(), folder / "sparse_linear.pt")
    others = fill(torch.nn.Linear(WIDTH, WIDTH), 322)
    torch.save(others.state_dict(), folder / "colbert_linear.pt")


SPARSE_MODELS = {
    "splade": splade,
    "splade-summed": _summed,
    "splade-bare": _bare,
    "splade-doc": lambda folder: _routed(folder, "document"),
    "splade-query": lambda folder: _routed(folder, "query"),
    "bge-m3": _bge_m3,
}
