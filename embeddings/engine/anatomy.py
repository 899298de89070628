"""The size and shape of a model, read from its folder's files; nothing is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from embeddings.engine import layout, manifest
from embeddings.engine.errors import ModelUnavailableError

#: What architectures call the same number in their config.json, the usual name first.
LAYERS = ("num_hidden_layers", "num_layers", "n_layers", "n_layer")
HEADS = ("num_attention_heads", "num_heads", "n_heads", "n_head")
FEED_FORWARD = ("intermediate_size", "d_ff", "hidden_dim", "n_inner")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """Bytes on the disk, trained numbers and a transformer's measures.

    0 or empty is what the files do not tell.
    """

    size_bytes: int = 0
    parameters: int = 0
    architecture: str = ""
    layers: int = 0
    heads: int = 0
    feed_forward: int = 0


@lru_cache(maxsize=1024)
def anatomy(folder: Path, *, fingerprint: str) -> Anatomy:  # noqa: ARG001 -- the cache's
    """What the files tell; a folder that cannot be read tells nothing.

    It is read once for each `fingerprint`.
    """
    try:
        facts = layout.config(folder)
        values = manifest.weight_bytes(folder, precision="float32")
        return Anatomy(
            size_bytes=manifest.size_bytes(folder),
            parameters=values // manifest.DTYPE_BYTES["float32"],
            architecture=str(facts.get("model_type") or ""),
            layers=_number(facts, LAYERS),
            heads=_number(facts, HEADS),
            feed_forward=_number(facts, FEED_FORWARD),
        )
    except (ModelUnavailableError, OSError):
        return Anatomy()


def _number(facts: Mapping[str, Any], names: tuple[str, ...]) -> int:
    found = (facts.get(name) for name in names)
    return next((number for number in found if type(number) is int), 0)
