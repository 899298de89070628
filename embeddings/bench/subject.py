"""The arithmetic of a model: what its folder says of a token's cost."""

from pathlib import Path

from safetensors import safe_open

from embeddings.bench.plan import Subject
from embeddings.engine import layout
from embeddings.engine.spec import ModelSpec

#: Names of weights that are looked up, or used once per text, not once per token.
NOT_PER_TOKEN = ("embed", "pooler")


def subject_of(spec: ModelSpec) -> Subject:
    """A model with its per-token parameters counted; reads no weights."""
    facts = layout.config(spec.source)
    return Subject(
        spec=spec,
        parameters=per_token_parameters(layout.transformer_folder(spec.source)),
        layers=int(facts.get("num_hidden_layers") or facts.get("num_layers") or 0),
        width=int(facts.get("hidden_size") or facts.get("d_model") or 0),
    )


def per_token_parameters(folder: Path) -> int:
    """Parameters that every token is multiplied with."""
    total = 0
    for path in folder.glob("*.safetensors"):
        with safe_open(path, framework="np") as weights:
            for name in weights.keys():  # noqa: SIM118 -- not a mapping
                shape = weights.get_slice(name).get_shape()
                if len(shape) == 2 and not any(part in name for part in NOT_PER_TOKEN):  # noqa: PLR2004 -- a matrix
                    total += shape[0] * shape[1]
    return total
