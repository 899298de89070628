"""Models as Ollama's lists and its page of one show them.

Source: ollama's api/types.go and live answers. Its own client cuts digests and reads
`general.architecture` unasked, so both are always there.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from embeddings.engine.spec import Output
from embeddings.types import LoadedFacts, ModelFacts

#: The year 2318, where Ollama ends what never expires: 2**63 nanoseconds from now.
NEVER_S = 10_981_785_600.0
#: Ollama pads the names of parameters to so many columns.
PARAMETER_COLUMNS = 30

_QUANTIZATIONS = {"float32": "F32", "bfloat16": "BF16"}
_UNITS = ((1e9, ".1f", "B"), (1e6, ".0f", "M"), (1e3, ".0f", "K"))

Body = dict[str, object]


def tagged(name: str) -> str:
    """A name with its tag, as lists show it."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def timestamp(unix_s: float) -> str:
    """RFC 3339 in UTC."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat().replace("+00:00", "Z")


def listed(models: Sequence[ModelFacts]) -> Body:
    """`/api/tags`, newest first."""
    newest_first = sorted(models, key=lambda model: -model.created_at)
    return {"models": [_listed(model) for model in newest_first]}


def shown(model: ModelFacts) -> Body:
    """`/api/show`; `num_ctx` is the window that texts are cut to without another."""
    return {
        "parameters": f"{'num_ctx':<{PARAMETER_COLUMNS}} {model.max_tokens}",
        "details": _details(model),
        "model_info": _info(model),
        **_capabilities(model),
        "modified_at": timestamp(model.created_at),
    }


def loaded(models: Sequence[LoadedFacts]) -> Body:
    """`/api/ps`, those that stay longest first."""
    longest_first = sorted(models, key=_expires_at, reverse=True)
    return {"models": [_loaded(one) for one in longest_first]}


def _listed(model: ModelFacts) -> Body:
    sizes = {
        "context_length": _context_length(model),
        "embedding_length": model.dimensions,
    }
    return {
        **_names(model),
        "modified_at": timestamp(model.created_at),
        "size": model.anatomy.size_bytes,
        "digest": _digest(model),
        "details": {**_details(model), **sizes},
        **_capabilities(model),
    }


def _loaded(one: LoadedFacts) -> Body:
    return {
        **_names(one.model),
        "size": one.bytes,
        "digest": _digest(one.model),
        "details": _details(one.model),
        "expires_at": timestamp(_expires_at(one)),
        "size_vram": one.bytes if one.is_on_gpu else 0,
        "context_length": one.model.max_tokens,
    }


def _expires_at(one: LoadedFacts) -> float:
    return NEVER_S if one.expires_at is None else min(one.expires_at, NEVER_S)


def _names(model: ModelFacts) -> Body:
    return {"name": tagged(model.name), "model": tagged(model.name)}


def _details(model: ModelFacts) -> Body:
    architecture = _architecture(model)
    return {
        "parent_model": "",
        "format": "safetensors" if model.anatomy.parameters else "",
        "family": architecture,
        "families": [architecture],
        "parameter_size": _short(model.anatomy.parameters),
        "quantization_level": _QUANTIZATIONS.get(model.precision, ""),
    }


def _info(model: ModelFacts) -> Body:
    """What there is of it, under the architecture's own names."""
    architecture, anatomy = _architecture(model), model.anatomy
    numbers = {
        "general.parameter_count": anatomy.parameters,
        f"{architecture}.context_length": _context_length(model),
        f"{architecture}.embedding_length": model.dimensions,
        f"{architecture}.block_count": anatomy.layers,
        f"{architecture}.attention.head_count": anatomy.heads,
        f"{architecture}.feed_forward_length": anatomy.feed_forward,
    }
    there = {name: number for name, number in numbers.items() if number}
    return {"general.architecture": architecture, **there}


def _architecture(model: ModelFacts) -> str:
    return model.anatomy.architecture or model.family


def _context_length(model: ModelFacts) -> int:
    return model.context_tokens or model.max_tokens


def _capabilities(model: ModelFacts) -> Body:
    """Left out where there are none; sparse vectors are none of Ollama's."""
    return {"capabilities": ["embedding"]} if Output.DENSE in model.outputs else {}


def _digest(model: ModelFacts) -> str:
    """64 hexadecimal digits: of the files, or of the name where none was taken."""
    return model.digest or hashlib.sha256(model.name.encode()).hexdigest()


def _short(number: int) -> str:
    """Such as 23M; empty for none."""
    for size, form, unit in _UNITS:
        if number >= size:
            return f"{number / size:{form}}{unit}"
    return str(number) if number else ""
