"""Any Sentence Transformers folder: a transformer, a pooling, dense layers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from embeddings.engine import layout, manifest
from embeddings.engine.checkpoints import load_modules, padded, spoil_missing
from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.runtimes import open_runtime
from embeddings.engine.runtimes.base import LastHiddenState
from embeddings.engine.runtimes.torch import is_out_of_memory, on_device
from embeddings.engine.spec import (
    FolderFacts,
    Job,
    ModelSpec,
    Output,
    Placement,
    TokenRow,
    Truncate,
    Vector,
)
from embeddings.engine.tokenization import FolderTokenizer
from embeddings.engine.vectors import dense, is_finite

#: What may follow the transformer: everything that works on features alone.
HEADS = frozenset({"Dense", "Dropout", "LayerNorm", "Normalize", "Pooling"})
#: Models that see no later token: a text's vector is that of its end mark.
CAUSAL = frozenset({"qwen2", "qwen3"})
PROBE = "The quick brown fox jumps over the lazy dog."
MIB = 1 << 20


class EncoderModel:
    """One folder's modules, in memory."""

    def __init__(
        self, modules: Sequence[nn.Module], *, spec: ModelSpec, placement: Placement
    ) -> None:
        transformer: Any = modules[0]
        heads = list(modules[1:])
        self.is_normalized = type(heads[-1]).__name__ == "Normalize"
        # The last normalisation is the engine's, in float32.
        self._heads = heads[:-1] if self.is_normalized else heads
        for head in self._heads:
            head.to(placement.device)
        self._pad_id = int(transformer.auto_model.config.pad_token_id or 0)
        self._device = placement.device
        network = LastHiddenState(transformer.auto_model)
        self._runtime = open_runtime(network, spec=spec, placement=placement)
        self.runtime = self._runtime.name
        pooling: Any = heads[0]
        # Rows say what they leave out; the module obeys the length it is given.
        pooling.include_prompt = False
        modes = pooling.pooling_mode
        self._weighs_positions = "weightedmean" in (
            (modes,) if isinstance(modes, str) else modes
        )
        (vector,) = self.embed([TokenRow(np.array([self._pad_id]))])
        self.dimensions = len(dense(vector))

    def embed(self, rows: Sequence[TokenRow]) -> Sequence[Vector]:
        """One raw vector (dimensions,) float32 per row, perhaps not finite."""
        with torch.inference_mode():
            hidden, mask = self._states(rows)
            vectors = self._pool(hidden, mask, [row.skip for row in rows])
            return list(vectors.cpu().numpy())

    def _states(self, rows: Sequence[TokenRow]) -> tuple[Tensor, Tensor]:
        """Hidden states (rows, tokens, width) float32 and mask (rows, tokens)."""
        ids, mask = padded(rows, pad_id=self._pad_id)
        attended = on_device(mask, self._device)
        hidden = self._runtime.hidden_states(on_device(ids, self._device), attended)
        return hidden.float(), attended

    def _pool(self, hidden: Tensor, mask: Tensor, skips: Sequence[int]) -> Tensor:
        """Vectors (batch, dimensions) of hidden (batch, tokens, width).

        Each row leaves out its own number of leading positions.
        """
        if not any(skips):
            return self._head(hidden, mask)
        if not self._weighs_positions:
            positions = torch.arange(mask.shape[1], device=mask.device)
            left_out = torch.tensor(skips, device=mask.device).unsqueeze(1)
            return self._head(hidden, mask * (positions >= left_out))
        # Weights count from the first token of the text, prompt included: the module
        # has to see the whole mask and one length of prompt at a time.
        lines = [self._skipping(hidden, mask, skips, skip) for skip in set(skips)]
        order = torch.cat([indices for indices, _ in lines])
        return torch.cat([vectors for _, vectors in lines])[torch.argsort(order)]

    def _skipping(
        self, hidden: Tensor, mask: Tensor, skips: Sequence[int], skip: int
    ) -> tuple[Tensor, Tensor]:
        chosen = [line for line, its in enumerate(skips) if its == skip]
        indices = torch.tensor(chosen, device=mask.device)
        vectors = self._head(hidden[indices], mask[indices], prompt_length=skip)
        return indices, vectors

    def _head(self, hidden: Tensor, mask: Tensor, *, prompt_length: int = 0) -> Tensor:
        features: dict[str, Any] = {
            "token_embeddings": hidden,
            "attention_mask": mask,
            "prompt_length": prompt_length,
        }
        for module in self._heads:
            features = module(features)
        vectors: Tensor = features["sentence_embedding"]
        return vectors

    def is_out_of_memory(self, error: BaseException) -> bool:
        """Whether a smaller batch may succeed where this error came."""
        return is_out_of_memory(error)

    def close(self) -> None:
        """Give the memory back; nothing may be embedded afterwards."""
        del self._heads
        self._runtime.close()


class EncoderFamily:
    """Sentence Transformers folders that begin with a transformer and a pooling."""

    name = "encoder"
    outputs = frozenset({Output.DENSE})

    def matches(self, folder: Path) -> bool:
        """Whether it is an encoder's, with no head beside those of modules.json."""
        return is_encoder(folder) and layout.lexical_head(folder) is None

    def inspect(self, folder: Path, *, route: str = "") -> FolderFacts:  # noqa: ARG002
        """The folder's facts; raises `ModelUnavailableError` where it is broken."""
        tokenizer = FolderTokenizer(folder)
        modules = _load(folder, tokenizer)
        transformer: Any = modules[0]
        pooling: Any = modules[1]
        include_prompt = bool(pooling.include_prompt)
        threads = torch.get_num_threads()
        spec = ModelSpec(
            name=folder.name,
            source=folder,
            family=self.name,
            outputs=self.outputs,
            dimensions=layout.truncated_dimensions(folder) or 1,
            max_tokens=layout.max_tokens(folder),
        )
        place = Placement(threads=threads)
        model = self.make(modules, spec=spec, placement=place)
        facts = FolderFacts(
            family=self.name,
            outputs=spec.outputs,
            dimensions=layout.truncated_dimensions(folder) or model.dimensions,
            max_tokens=spec.max_tokens,
            prompts=layout.prompts(folder),
            include_prompt=include_prompt,
            instruction_template=_template(folder),
            fingerprint=manifest.fingerprint(folder),
        )
        job = Job(spec=spec, inputs=(PROBE,), truncate=Truncate.END)
        probe = tokenizer.rows(job)
        if not all(map(is_finite, model.embed(probe))):
            raise ModelUnavailableError("the model makes vectors that are not finite")
        missing = spoil_missing(
            transformer.auto_model, layout.transformer_folder(folder)
        )
        # Parts that the vectors do not need are often left out, a pooler for one.
        if not all(map(is_finite, model.embed(probe))):
            raise ModelUnavailableError(f"weights are missing: {', '.join(missing)}")
        return facts

    def tokenizer(self, spec: ModelSpec) -> FolderTokenizer:
        """The tokenizer beside the transformer."""
        return FolderTokenizer(spec.source)

    def estimate_bytes(self, spec: ModelSpec, *, batch_tokens: int) -> int:
        """Weights, one batch's activations, and a margin."""
        weights = manifest.weight_bytes(spec.source, precision=spec.precision)
        facts = layout.config(spec.source)
        width = int(facts.get("hidden_size") or facts.get("d_model") or 1024)
        inner = int(facts.get("intermediate_size") or facts.get("d_ff") or 4 * width)
        # Eight hidden-sized and two inner-sized float32 arrays live at the peak.
        activations = batch_tokens * (8 * width + 2 * inner) * 4
        attention = batch_tokens * _attention_bytes(spec, longest=batch_tokens)
        return weights + weights // 20 + activations + attention + 64 * MIB

    def load(self, spec: ModelSpec, placement: Placement) -> EncoderModel:
        """Read the weights; `spec.precision` is float32 or bfloat16."""
        modules = _load(spec.source, self.tokenizer(spec))
        return self.make(modules, spec=spec, placement=placement)

    def make(
        self, modules: Sequence[nn.Module], *, spec: ModelSpec, placement: Placement
    ) -> EncoderModel:
        """The model of a folder's modules."""
        return EncoderModel(modules, spec=spec, placement=placement)


def is_encoder(folder: Path) -> bool:
    """Whether modules.json lists a transformer, a pooling and known heads."""
    kinds = [entry.kind for entry in layout.modules(folder)]
    return kinds[:2] == ["Transformer", "Pooling"] and HEADS.issuperset(kinds[1:])


def _load(folder: Path, tokenizer: FolderTokenizer) -> list[nn.Module]:
    """The folder's modules; raises `ModelUnavailableError` where they do not fit."""
    # The library makes a mean pooling of its own for whatever else it is given.
    if not is_encoder(folder):
        raise ModelUnavailableError(
            "modules.json does not list a transformer with a pooling"
        )
    manifest.check_weights(layout.transformer_folder(folder))
    modules = load_modules(folder)
    _check_end(tokenizer, modules)
    return modules


def _attention_bytes(spec: ModelSpec, *, longest: int) -> int:
    """Memory per token of attention that is written out, as relative positions need.

    Other attention is computed piece by piece.
    """
    facts = layout.config(spec.source)
    if "relative_attention_num_buckets" not in facts:
        return 0
    heads = int(facts.get("num_heads") or facts.get("num_attention_heads") or 16)
    # Each head's scores to every token of the text, and the bias added to them.
    return 2 * heads * min(spec.context_tokens or spec.max_tokens, longest) * 4


def _check_end(tokenizer: FolderTokenizer, modules: Sequence[nn.Module]) -> None:
    """Refuse a causal model whose texts do not end with the token that is pooled."""
    pooling: Any = modules[1]
    modes = pooling.pooling_mode
    pools_last = "lasttoken" in ((modes,) if isinstance(modes, str) else modes)
    transformer: Any = modules[0]
    is_causal = transformer.auto_model.config.model_type in CAUSAL
    if pools_last and is_causal and not tokenizer.ends_with("eos_token", "pad_token"):
        raise ModelUnavailableError("the tokenizer puts no end mark after a text")


def _template(folder: Path) -> str:
    """How the folder's kind takes an instruction; empty: it ignores it."""
    if layout.config(folder).get("model_type") == "qwen3":
        return "Instruct: {instruction}\nQuery:{text}"
    return "{instruction}{text}" if any(layout.prompts(folder).values()) else ""


FAMILY = EncoderFamily()
