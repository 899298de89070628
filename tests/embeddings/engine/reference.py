"""What a folder's vectors are, by its definition: one text at a time, in float64."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer, T5EncoderModel
from transformers.utils import logging as transformers_logging

KEYS = {
    "cls_token": "cls",
    "mean_tokens": "mean",
    "max_tokens": "max",
    "mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "weightedmean_tokens": "weightedmean",
    "lasttoken": "lasttoken",
}


@dataclass
class Reference:
    """A folder, opened with transformers alone."""

    folder: Path

    def __post_init__(self):
        transformers_logging.disable_progress_bar()
        self.tokenizer = AutoTokenizer.from_pretrained(self.folder)
        self.tokenizer.backend_tokenizer.no_padding()
        is_t5 = _json(self.folder / "config.json")["model_type"] == "t5"
        architecture = T5EncoderModel if is_t5 else AutoModel
        model = architecture.from_pretrained(self.folder, dtype=torch.float64)
        self.model = model.eval()
        self.pooling = _json(self.folder / "1_Pooling/config.json")
        self.kinds = [
            module["type"].rsplit(".", 1)[-1]
            for module in _json(self.folder / "modules.json")
        ]

    def ids(self, text, *, max_tokens):
        """Token ids with specials, the end cut."""
        return self.tokenizer(text, truncation=True, max_length=max_tokens)["input_ids"]

    def vector(self, text, *, max_tokens, prompt=""):
        """The vector (dimensions,) float64 of one text."""
        skip = 0
        if prompt and not self.pooling.get("include_prompt", True):
            skip = len(self.ids(prompt, max_tokens=max_tokens)) - 1
        ids = self.ids(prompt + text, max_tokens=max_tokens)
        return self.pooled(self.hidden(ids), skip=skip)

    def hidden(self, ids):
        """Hidden states (tokens, width) float64."""
        with torch.inference_mode():
            output = self.model(torch.tensor([ids]), torch.ones(1, len(ids)).long())
        return output.last_hidden_state[0].numpy()

    def pooled(self, hidden, *, skip):
        """The vector of hidden states without the first `skip`."""
        vector = self._pooled(hidden, skip)
        if "Dense" in self.kinds:
            weights = load_file(self.folder / "2_Dense/model.safetensors")
            vector = weights["linear.weight"].double().numpy() @ vector
            if "linear.bias" in weights:
                vector = np.tanh(vector + weights["linear.bias"].double().numpy())
        if "Normalize" in self.kinds:
            vector = vector / np.linalg.norm(vector)
        return vector

    def _pooled(self, hidden, skip):
        kept = hidden[skip:]
        positions = np.arange(skip + 1, len(hidden) + 1)[:, None]
        ways = {
            "cls": kept[0],
            "mean": kept.mean(0),
            "max": kept.max(0),
            "mean_sqrt_len_tokens": kept.sum(0) / np.sqrt(len(kept)),
            "weightedmean": (kept * positions).sum(0) / positions.sum(),
            "lasttoken": hidden[-1],
        }
        asked = [
            way for key, way in KEYS.items() if self.pooling.get(f"pooling_mode_{key}")
        ]
        order = ["cls", "max", "mean", "mean_sqrt_len_tokens"]
        order += ["weightedmean", "lasttoken"]
        return np.concatenate([ways[way] for way in order if way in asked])


def _json(path):
    return json.loads(path.read_text("utf-8"))
