import torch

from embeddings.engine.checkpoints import load_modules, padded, spoil_missing
from tests.embeddings.engine.making import make_row


def test_modules_come_in_their_order_and_in_float32(tiny):
    modules = load_modules(tiny("minilm"))

    assert [type(module).__name__ for module in modules] == [
        "Transformer",
        "Pooling",
        "Normalize",
    ]
    assert {weights.dtype for weights in modules[0].parameters()} == {torch.float32}


def test_rows_are_padded_on_the_right():
    ids, mask = padded([make_row(1, value=5), make_row(3, value=7)], pad_id=9)

    assert ids.tolist() == [[5, 9, 9], [7, 7, 7]]
    assert mask.tolist() == [[1, 0, 0], [1, 1, 1]]


def test_missing_weights_are_named_and_spoilt(tiny):
    folder = tiny("missing-keys")
    model = load_modules(folder)[0].auto_model

    missing = spoil_missing(model, folder)

    assert missing
    spoilt = [n for n, weights in model.named_parameters() if weights.isnan().all()]
    assert missing == sorted(spoilt)
