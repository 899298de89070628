"""Where a SPLADE folder's encoders lie, and how they pool."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from embeddings.engine import layout, manifest
from embeddings.engine.errors import ModelUnavailableError

LANGUAGE_MODELS = frozenset({"MLMTransformer", "Transformer"})
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": lambda logits: logits.relu().log1p(),
    "log1p_relu": lambda logits: logits.relu().log1p().log1p(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """One encoder: its folder, the route that leads to it, and its pooling."""

    folder: Path
    route: str = ""
    sums: bool = False
    activation: str = "relu"

    def empty(self, width: int, *, device: torch.device) -> Tensor:
        """What `pool` begins with (vocabulary,)."""
        start = 0.0 if self.sums else -torch.inf
        return torch.full((width,), start, device=device)

    def pool(self, pooled: Tensor, logits: Tensor) -> Tensor:
        """Let further positions' logits (tokens, vocabulary) join (vocabulary,)."""
        if self.sums:
            return pooled + ACTIVATIONS[self.activation](logits).sum(0)
        # The activations rise with their argument: the largest logit decides.
        return torch.maximum(pooled, logits.amax(0))

    def activate(self, pooled: Tensor) -> Tensor:
        """The weights (vocabulary,) once all positions have joined."""
        return pooled if self.sums else ACTIVATIONS[self.activation](pooled)


def is_splade(folder: Path) -> bool:
    """Whether modules.json, or each route of a router, is a model with its pooling."""
    kinds = [entry.kind for entry in layout.modules(folder)]
    if kinds == ["Router"]:
        routes = _routes(folder).values()
        return bool(routes) and all(_is_pair(route.kinds) for route in routes)
    return _is_pair(kinds)


def encoder_of(folder: Path, *, route: str) -> Encoder:
    """The encoder of a route; without one, that in the root, or the router's default.

    A published repository keeps its own side in the root. Raises
    `ModelUnavailableError` for a route that is not there.
    """
    entries = layout.modules(folder)
    if [entry.kind for entry in entries] == ["Router"]:
        return _routed(folder, route)
    if route:
        raise ModelUnavailableError(f"the folder has no route {route}")
    if not entries:
        return _bare(folder)
    _check_pair([entry.kind for entry in entries], "modules.json")
    return _encoder(folder, entries[0].path, entries[1].path)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    paths: list[str]
    kinds: list[str]


def _routes(folder: Path) -> dict[str, _Route]:
    facts = manifest.read_mapping(folder / "router_config.json")
    try:
        types = {str(path): str(kind) for path, kind in facts["types"].items()}
        return {
            str(name): _Route(
                paths=[layout.check_path(path) for path in paths],
                kinds=[types[path].rsplit(".", 1)[-1] for path in paths],
            )
            for name, paths in facts["structure"].items()
        }
    except (AttributeError, KeyError, TypeError) as error:
        raise ModelUnavailableError("router_config.json names no routes") from error


def _routed(folder: Path, wanted: str) -> Encoder:
    routes = _routes(folder)
    facts = manifest.read_mapping(folder / "router_config.json")
    in_root = [name for name, route in routes.items() if route.paths[0] in ("", ".")]
    default = str((facts.get("parameters") or {}).get("default_route") or "")
    name = wanted or (in_root[0] if in_root else default)
    if name not in routes:
        raise ModelUnavailableError(
            f"the folder has the routes {', '.join(sorted(routes))}: name one of them"
        )
    _check_pair(routes[name].kinds, "router_config.json")
    model, pooling = routes[name].paths
    return _encoder(folder, model, pooling, route=name)


def _encoder(folder: Path, model: str, pooling: str, *, route: str = "") -> Encoder:
    facts = manifest.read_mapping(folder / pooling / "config.json")
    strategy = facts.get("pooling_strategy", "max")
    activation = facts.get("activation_function", "relu")
    if strategy not in ("max", "sum") or activation not in ACTIVATIONS:
        raise ModelUnavailableError(f"no pooling by {strategy} and {activation}")
    return Encoder(
        folder=folder / model,
        route=route,
        sums=strategy == "sum",
        activation=activation,
    )


def _bare(folder: Path) -> Encoder:
    """A folder of transformers alone, whose operator says that it is SPLADE."""
    architectures = layout.config(folder).get("architectures") or [""]
    if not str(architectures[0]).endswith("ForMaskedLM"):
        raise ModelUnavailableError("the folder holds no masked language model")
    return Encoder(folder=folder)


def _check_pair(kinds: list[str], name: str) -> None:
    if not _is_pair(kinds):
        raise ModelUnavailableError(
            f"{name} does not list a language model with its pooling"
        )


def _is_pair(kinds: list[str]) -> bool:
    return (
        len(kinds) == 2  # noqa: PLR2004 -- a pair
        and kinds[0] in LANGUAGE_MODELS
        and kinds[1] == "SpladePooling"
    )
