import torch
from transformers import BertConfig, BertModel

from embeddings.engine.runtimes.base import LastHiddenState


def test_states_are_those_of_the_last_layer():
    shape = BertConfig(
        vocab_size=10,
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=8,
    )
    transformer = BertModel(shape).eval()
    ids = torch.tensor([[1, 2, 3], [4, 5, 0]])
    mask = torch.tensor([[1, 1, 1], [1, 1, 0]])

    with torch.inference_mode():
        hidden = LastHiddenState(transformer)(ids, mask)
        expected = transformer(input_ids=ids, attention_mask=mask).last_hidden_state

    assert torch.equal(hidden, expected)
