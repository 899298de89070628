"""Networks of every architecture that models come in, tiny, with large weights."""

import transformers

from embeddings.engine.runtimes.base import LastHiddenState
from tests.tiny_parts import fill

WIDTH, VOCABULARY = 32, 99
BERT = {
    "vocab_size": VOCABULARY,
    "hidden_size": WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 2 * WIDTH,
    "max_position_embeddings": 66,
    "pad_token_id": 0,
}
T5 = {
    "vocab_size": VOCABULARY,
    "d_model": WIDTH,
    "d_kv": 8,
    "d_ff": 48,
    "num_layers": 2,
    "num_heads": 4,
    "feed_forward_proj": "gated-gelu",
}
DISTILBERT = {
    "vocab_size": VOCABULARY,
    "dim": WIDTH,
    "hidden_dim": 2 * WIDTH,
    "n_layers": 2,
    "n_heads": 4,
    "max_position_embeddings": 66,
}
QWEN3 = {
    **BERT,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 128,
    "use_cache": False,
}
MODERNBERT = {
    **BERT,
    "num_hidden_layers": 3,
    "local_attention": 8,
    "global_attn_every_n_layers": 3,
    **dict.fromkeys(("cls_token_id", "sep_token_id", "bos_token_id"), 1),
    "eos_token_id": 1,
}
ARCHITECTURES = {
    "bert": ("BertConfig", "BertModel", BERT),
    "mpnet": ("MPNetConfig", "MPNetModel", {**BERT, "pad_token_id": 1}),
    "xlm-r": ("XLMRobertaConfig", "XLMRobertaModel", {**BERT, "pad_token_id": 1}),
    "distilbert": ("DistilBertConfig", "DistilBertModel", DISTILBERT),
    "nomic": ("NomicBertConfig", "NomicBertModel", BERT),
    "qwen3": ("Qwen3Config", "Qwen3Model", QWEN3),
    "t5": ("T5Config", "T5EncoderModel", T5),
    "modernbert": ("ModernBertConfig", "ModernBertModel", MODERNBERT),
}


def make_network(name):
    """The network of an architecture, always with the same weights."""
    config, model, sizes = ARCHITECTURES[name]
    made = getattr(transformers, model)(getattr(transformers, config)(**sizes))
    return LastHiddenState(fill(made, 7)).eval()
