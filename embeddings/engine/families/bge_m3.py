"""bge-m3: dense vectors and lexical weights, both from one forward.

Source: FlagEmbedding's BGEM3 model: per token relu(W·h + b), per token id the largest.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from embeddings.engine import layout
from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.families.encoder import EncoderFamily, EncoderModel, is_encoder
from embeddings.engine.spec import (
    ModelSpec,
    Output,
    Placement,
    SparseVector,
    TokenRow,
    Vector,
)
from embeddings.engine.tokenization import FolderTokenizer

#: Tokens that are never lexical, by their names in tokenizer_config.json.
UNUSED = ("cls_token", "eos_token", "pad_token", "unk_token")


class BgeM3Model(EncoderModel):
    """An encoder with a second head of one number per token."""

    def __init__(
        self, modules: Sequence[nn.Module], *, spec: ModelSpec, placement: Placement
    ) -> None:
        self._lexical = _lexical_head(spec.source).to(placement.device)
        self._unused = FolderTokenizer(spec.source).ids_of(*UNUSED)
        super().__init__(modules, spec=spec, placement=placement)

    def embed(self, rows: Sequence[TokenRow]) -> list[Vector]:
        """A dense or a sparse vector per row, as it wants; perhaps not finite."""
        with torch.inference_mode():
            hidden, mask = self._states(rows)
            dense = self._pool(hidden, mask, [row.skip for row in rows]).cpu().numpy()
            weights = self._lexical(hidden).squeeze(-1).cpu().numpy()
        return [
            self._lexical_vector(row, weights[line])
            if row.output is Output.SPARSE
            else dense[line]
            for line, row in enumerate(rows)
        ]

    def _lexical_vector(self, row: TokenRow, weights: Any) -> SparseVector:
        """The largest weight of each token id that occurs, where one is above zero."""
        indices, places = np.unique(row.ids, return_inverse=True)
        values = np.zeros(len(indices), dtype=np.float32)
        with np.errstate(invalid="ignore"):
            np.maximum.at(values, places, weights[: len(row.ids)])
        # What is not a number is kept: it has to be seen.
        kept = (values != 0) & ~np.isin(indices, self._unused)
        return SparseVector(indices=indices[kept], values=values[kept])


class BgeM3Family(EncoderFamily):
    """Sentence Transformers folders with a lexical head beside them."""

    name = "bge_m3"
    outputs = frozenset(Output)

    def matches(self, folder: Path) -> bool:
        """Whether an encoder's folder holds the head."""
        return is_encoder(folder) and layout.lexical_head(folder) is not None

    def make(
        self, modules: Sequence[nn.Module], *, spec: ModelSpec, placement: Placement
    ) -> BgeM3Model:
        """The model of a folder's modules."""
        return BgeM3Model(modules, spec=spec, placement=placement)


def _lexical_head(folder: Path) -> nn.Linear:
    path = layout.lexical_head(folder)
    if path is None:
        raise ModelUnavailableError(f"{layout.LEXICAL_HEADS[-1]} is missing")
    try:
        weights: dict[str, Tensor] = (
            load_file(path)
            if path.suffix == ".safetensors"
            # Reads numbers alone, and no code.
            else torch.load(path, map_location="cpu", weights_only=True)
        )
        head = nn.Linear(weights["weight"].shape[1], 1)
        head.load_state_dict(weights)
    except Exception as error:
        raise ModelUnavailableError(f"{path.name} cannot be read") from error
    return head.float().eval()


FAMILY = BgeM3Family()
