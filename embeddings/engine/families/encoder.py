"""Any Sentence Transformers folder: a transformer, a pooling, dense layers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn
from transformers.utils import logging as transformers_logging

from embeddings.engine import layout, manifest
from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.families.base import Placement
from embeddings.engine.runtimes.torch import (
    DTYPES,
    TorchRuntime,
    is_out_of_memory,
    release_memory,
)
from embeddings.engine.spec import (
    Floats,
    FolderFacts,
    Job,
    ModelSpec,
    Output,
    TokenRow,
    Truncate,
)
from embeddings.engine.tokenization import FolderTokenizer

#: What may follow the transformer: everything that works on features alone.
HEADS = frozenset({"Dense", "Dropout", "LayerNorm", "Normalize", "Pooling"})
PROBE = "The quick brown fox jumps over the lazy dog."
MIB = 1 << 20


class EncoderModel:
    """One folder's modules, in memory."""

    def __init__(self, modules: Sequence[nn.Module], *, placement: Placement) -> None:
        transformer: Any = modules[0]
        heads = list(modules[1:])
        self.is_normalized = type(heads[-1]).__name__ == "Normalize"
        # The last normalisation is the engine's, in float32.
        self._heads = heads[:-1] if self.is_normalized else heads
        self._pad_id = int(transformer.auto_model.config.pad_token_id or 0)
        self._placement = placement
        self._runtime = TorchRuntime(
            transformer, device=placement.device, threads=placement.threads
        )
        pooling: Any = heads[0]
        # Rows say what they leave out; the module obeys the length it is given.
        pooling.include_prompt = False
        modes = pooling.pooling_mode
        self._weighs_positions = "weightedmean" in (
            (modes,) if isinstance(modes, str) else modes
        )
        self.dimensions = int(self.embed([TokenRow(np.array([self._pad_id]))]).shape[1])

    def embed(self, rows: Sequence[TokenRow]) -> Floats:
        """Vectors (rows, dimensions) float32, unnormalised, perhaps not finite."""
        width = max(len(row.ids) for row in rows)
        # Right padding is exact for every architecture; left padding is not.
        ids = np.full((len(rows), width), self._pad_id, dtype=np.int64)
        mask = np.zeros((len(rows), width), dtype=np.int64)
        for line, row in enumerate(rows):
            ids[line, : len(row.ids)] = row.ids
            mask[line, : len(row.ids)] = 1
        device = self._placement.device
        with torch.inference_mode():
            attended = torch.from_numpy(mask).to(device)
            hidden = self._runtime.hidden_states(
                torch.from_numpy(ids).to(device), attended
            )
            vectors = self._pool(hidden, attended, [row.skip for row in rows])
            found: Floats = vectors.float().cpu().numpy()
        return found

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
        del self._runtime, self._heads
        release_memory(self._placement.device)


class EncoderFamily:
    """Sentence Transformers folders that begin with a transformer and a pooling."""

    name = "encoder"

    def matches(self, folder: Path) -> bool:
        """Whether modules.json lists a transformer, a pooling and known heads."""
        kinds = [entry.kind for entry in layout.modules(folder)]
        return kinds[:2] == ["Transformer", "Pooling"] and HEADS.issuperset(kinds[1:])

    def inspect(self, folder: Path) -> FolderFacts:
        """The folder's facts; raises `ModelUnavailableError` where it is broken."""
        tokenizer = FolderTokenizer(folder)
        modules = _load_modules(folder, precision="float32")
        transformer: Any = modules[0]
        pooling: Any = modules[1]
        include_prompt = bool(pooling.include_prompt)
        threads = torch.get_num_threads()
        model = EncoderModel(modules, placement=Placement(threads=threads))
        facts = FolderFacts(
            family=self.name,
            output=Output.DENSE,
            dimensions=layout.truncated_dimensions(folder) or model.dimensions,
            max_tokens=layout.max_tokens(folder),
            prompts=layout.prompts(folder),
            include_prompt=include_prompt,
            fingerprint=manifest.fingerprint(folder),
        )
        probe = tokenizer.rows(_probe(folder, facts))
        if not np.isfinite(model.embed(probe)).all():
            raise ModelUnavailableError("the model makes vectors that are not finite")
        missing = _spoil_missing(transformer.auto_model, folder)
        # Parts that the vectors do not need are often left out, a pooler for one.
        if not np.isfinite(model.embed(probe)).all():
            raise ModelUnavailableError(f"weights are missing: {', '.join(missing)}")
        return facts

    def estimate_bytes(self, spec: ModelSpec, *, batch_tokens: int) -> int:
        """Weights, one batch's activations, and a margin."""
        weights = manifest.weight_bytes(spec.source, precision=spec.precision)
        facts = layout.config(spec.source)
        width = int(facts.get("hidden_size") or facts.get("d_model") or 1024)
        inner = int(facts.get("intermediate_size") or facts.get("d_ff") or 4 * width)
        # Eight hidden-sized and two inner-sized float32 arrays live at the peak.
        activations = batch_tokens * (8 * width + 2 * inner) * 4
        return weights + weights // 20 + activations + 64 * MIB

    def load(self, spec: ModelSpec, placement: Placement) -> EncoderModel:
        """Read the weights; `spec.precision` is float32 or bfloat16."""
        modules = _load_modules(spec.source, precision=spec.precision)
        for module in modules:
            module.to(placement.device)
        return EncoderModel(modules, placement=placement)


def _probe(folder: Path, facts: FolderFacts) -> Job:
    spec = ModelSpec(
        name=folder.name,
        source=folder,
        family=facts.family,
        output=facts.output,
        dimensions=facts.dimensions,
        max_tokens=facts.max_tokens,
    )
    return Job(spec=spec, inputs=(PROBE,), truncate=Truncate.END)


def _load_modules(folder: Path, *, precision: str) -> list[nn.Module]:
    """The folder's modules on the CPU, in the precision asked for."""
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    # It reports harmless missing parts; those that matter are looked for at inspection.
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    loaded = SentenceTransformer(
        str(folder),
        device="cpu",
        local_files_only=True,
        trust_remote_code=False,
        # Another dtype would become the whole process's default while it loads.
        model_kwargs={"dtype": torch.float32},
    )
    loaded.eval()
    return [module.to(DTYPES[precision]) for module in loaded.children()]


def _spoil_missing(transformer: nn.Module, folder: Path) -> list[str]:
    """Fill weights that the files do not hold with NaN; tells their names.

    Loading fills them with random numbers and only warns.
    """
    architecture: Any = type(transformer)
    _, report = architecture.from_pretrained(
        layout.transformer_folder(folder),
        dtype=torch.float32,
        local_files_only=True,
        output_loading_info=True,
    )
    missing = sorted(report["missing_keys"])
    with torch.no_grad():
        for name in missing:
            transformer.get_parameter(name).fill_(torch.nan)
    return missing


FAMILY = EncoderFamily()
