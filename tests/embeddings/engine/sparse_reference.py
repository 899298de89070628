"""What sparse vectors are by their definition: one text at a time, in float64."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

from tests.embeddings.engine.reference import Reference


@dataclass
class SpladeReference:
    """A masked language model: log(1 + relu(logit)), the largest of all positions.

    `sums` adds the positions up, `twice` takes a second logarithm.
    """

    folder: Path
    sums: bool = False
    twice: bool = False

    def __post_init__(self):
        self.tokenizer = AutoTokenizer.from_pretrained(self.folder)
        self.tokenizer.backend_tokenizer.no_padding()
        model = AutoModelForMaskedLM.from_pretrained(self.folder, dtype=torch.float64)
        self.model = model.eval()

    def weights(self, text, *, max_tokens):
        """The weights (vocabulary,) float64 of one text."""
        ids = self.tokenizer(text, truncation=True, max_length=max_tokens)["input_ids"]
        with torch.inference_mode():
            logits = self.model(torch.tensor([ids])).logits[0].numpy()
        made = np.log1p(np.maximum(logits, 0))
        made = np.log1p(made) if self.twice else made
        return made.sum(0) if self.sums else made.max(0)


class BgeM3Reference(Reference):
    """bge-m3's second head: relu(W·h + b), per token id the largest."""

    def weights(self, text, *, max_tokens):
        """The weights (vocabulary,) float64 of one text."""
        ids = self.ids(text, max_tokens=max_tokens)
        head = torch.load(self.folder / "sparse_linear.pt", weights_only=True)
        scale = head["weight"][0].double().numpy()
        each = np.maximum(self.hidden(ids) @ scale + float(head["bias"]), 0)
        made = np.zeros(self.model.config.vocab_size)
        for number, weight in zip(ids, each, strict=True):
            made[number] = max(made[number], weight)
        made[[0, 1, 2, 3]] = 0
        return made


class InstructorReference(Reference):
    """Instruction and text as version 1.0.1 of the original joins them."""

    def vector(self, text, *, max_tokens, prompt=""):
        """The vector (dimensions,) float64 of one text."""
        ids = self.ids((prompt + text.strip()).strip(), max_tokens=max_tokens)
        skip = len(self.ids(prompt.strip(), max_tokens=max_tokens)) - 1
        return self.pooled(self.hidden(ids), skip=skip if skip > 1 else 0)
