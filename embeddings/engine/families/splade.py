"""SPLADE: a masked language model's logits, pooled over the text, as a sparse vector.

Source: naver/splade, `agg="max"`; sentence-transformers' SpladePooling is the same.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoModelForMaskedLM
from transformers.modeling_outputs import BaseModelOutput

from embeddings.engine import layout, manifest
from embeddings.engine.checkpoints import padded, quieten
from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.families.encoder import MIB, PROBE
from embeddings.engine.families.splade_folder import Encoder, encoder_of, is_splade
from embeddings.engine.runtimes import open_runtime
from embeddings.engine.runtimes.base import LastHiddenState
from embeddings.engine.runtimes.torch import is_out_of_memory, on_device
from embeddings.engine.spec import (
    FolderFacts,
    Job,
    ModelSpec,
    Output,
    Placement,
    SparseVector,
    TokenRow,
    Truncate,
)
from embeddings.engine.tokenization import FolderTokenizer
from embeddings.engine.vectors import is_finite

#: Positions whose logits, as wide as the vocabulary, are in memory at a time.
CHUNK_TOKENS = 128


class SpladeModel:
    """A base network for batches, and a head that takes one text at a time."""

    is_normalized = False

    def __init__(
        self,
        network: nn.Module,
        encoder: Encoder,
        *,
        spec: ModelSpec,
        placement: Placement,
    ) -> None:
        config: Any = network.config
        self.dimensions = int(config.vocab_size)
        self._encoder = encoder
        self._pad_id = int(config.pad_token_id or 0)
        self._device = placement.device
        base: Any = network.base_model
        self._runtime = open_runtime(
            LastHiddenState(base), spec=spec, placement=placement
        )
        self._head = Head(network).to(placement.device)

    @property
    def runtime(self) -> str:
        """What runs the base network."""
        return self._runtime.name

    def embed(self, rows: Sequence[TokenRow]) -> list[SparseVector]:
        """One vector over the vocabulary per row; neighbours leave no trace in it."""
        ids, mask = padded(rows, pad_id=self._pad_id)
        with torch.inference_mode():
            hidden = self._runtime.hidden_states(
                on_device(ids, self._device), on_device(mask, self._device)
            ).float()
            return [
                self._pool(states[: len(row.ids)])
                for states, row in zip(hidden, rows, strict=True)
            ]

    def _pool(self, states: Tensor) -> SparseVector:
        """The vector of one text's hidden states (tokens, width)."""
        pooled = self._encoder.empty(self.dimensions, device=states.device)
        for chunk in torch.split(states, CHUNK_TOKENS):
            pooled = self._encoder.pool(pooled, self._head(chunk))
        weights = self._encoder.activate(pooled)
        # What is not a number is not zero either, and has to be seen.
        indices = weights.nonzero().squeeze(1)
        return SparseVector(
            indices=indices.cpu().numpy(), values=weights[indices].cpu().numpy()
        )

    def is_out_of_memory(self, error: BaseException) -> bool:
        """Whether a smaller batch may succeed where this error came."""
        return is_out_of_memory(error)

    def close(self) -> None:
        """Give the memory back; nothing may be embedded afterwards."""
        del self._head
        self._runtime.close()


class Head(nn.Module):
    """What a masked language model does with its base network's hidden states.

    The model's own forward runs, over a base network that hands back what it is given:
    every architecture has a head of its own shape.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        name: Any = network.base_model_prefix
        setattr(network, name, _Given())
        self.network = network

    def forward(self, states: Tensor) -> Tensor:
        """Logits (tokens, vocabulary) of hidden states (tokens, width)."""
        output: Any = self.network(inputs_embeds=states.unsqueeze(0))
        logits: Tensor = output.logits[0]
        return logits.float()


class _Given(nn.Module):
    def forward(self, *_: Any, inputs_embeds: Tensor, **__: Any) -> BaseModelOutput:
        return BaseModelOutput(last_hidden_state=inputs_embeds)


class SpladeFamily:
    """SPLADE folders, alone or as one route of several, and bare language models."""

    name = "splade"

    def matches(self, folder: Path) -> bool:
        """Whether modules.json tells of SPLADE; a bare language model does not."""
        return is_splade(folder)

    def inspect(self, folder: Path, *, route: str = "") -> FolderFacts:
        """The folder's facts; raises `ModelUnavailableError` where it is broken."""
        encoder = encoder_of(folder, route=route)
        tokenizer = FolderTokenizer(encoder.folder)
        network, missing = _load(encoder)
        spec = ModelSpec(
            name=folder.name,
            source=folder,
            family=self.name,
            outputs=frozenset({Output.SPARSE}),
            dimensions=int(network.config.vocab_size),
            max_tokens=layout.max_tokens(encoder.folder),
            route=encoder.route,
        )
        place = Placement(threads=torch.get_num_threads())
        model = SpladeModel(network, encoder, spec=spec, placement=place)
        job = Job(
            spec=spec, inputs=(PROBE,), truncate=Truncate.END, output=Output.SPARSE
        )
        if not all(map(is_finite, model.embed(tokenizer.rows(job)))):
            raise ModelUnavailableError(
                f"weights are missing: {', '.join(missing)}"
                if missing
                else "the model makes vectors that are not finite"
            )
        return FolderFacts(
            family=self.name,
            outputs=spec.outputs,
            dimensions=spec.dimensions,
            max_tokens=spec.max_tokens,
            prompts={},
            include_prompt=True,
            fingerprint=manifest.fingerprint(folder),
            route=encoder.route,
        )

    def tokenizer(self, spec: ModelSpec) -> FolderTokenizer:
        """The tokenizer of the route's encoder."""
        return FolderTokenizer(encoder_of(spec.source, route=spec.route).folder)

    def estimate_bytes(self, spec: ModelSpec, *, batch_tokens: int) -> int:
        """Weights, one batch's activations, one chunk's logits, and a margin."""
        encoder = encoder_of(spec.source, route=spec.route)
        # A router's other encoder may lie below this one.
        weights = manifest.weight_bytes(
            encoder.folder, precision="float32", is_deep=False
        )
        facts = layout.config(encoder.folder)
        width = int(facts.get("hidden_size") or facts.get("dim") or 1024)
        activations = batch_tokens * 16 * width * 4
        logits = CHUNK_TOKENS * spec.dimensions * 3 * 4
        return weights + weights // 20 + activations + logits + 64 * MIB

    def load(self, spec: ModelSpec, placement: Placement) -> SpladeModel:
        """Read the weights of the route's encoder."""
        encoder = encoder_of(spec.source, route=spec.route)
        network, _ = _load(encoder)
        return SpladeModel(network, encoder, spec=spec, placement=placement)


def _load(encoder: Encoder) -> tuple[Any, list[str]]:
    """The language model in float32, with NaN for weights that the files do not hold.

    Loading fills those with random numbers and only warns.
    """
    manifest.check_weights(encoder.folder)
    quieten()
    network, report = AutoModelForMaskedLM.from_pretrained(
        encoder.folder,
        dtype=torch.float32,
        local_files_only=True,
        trust_remote_code=False,
        output_loading_info=True,
    )
    missing = sorted(report["missing_keys"])
    with torch.no_grad():
        for name in missing:
            network.get_parameter(name).fill_(np.nan)
    return network.eval(), missing


FAMILY = SpladeFamily()
