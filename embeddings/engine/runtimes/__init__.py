"""What runs a network: torch, on a CPU or a GPU."""

from torch import nn

from embeddings.engine.runtimes.base import Runtime
from embeddings.engine.runtimes.torch import TorchRuntime
from embeddings.engine.spec import ModelSpec, Placement


def open_runtime(
    network: nn.Module, *, spec: ModelSpec, placement: Placement
) -> Runtime:
    """The network, (ids, mask) to hidden states, in the model's precision and place."""
    return TorchRuntime(
        network,
        device=placement.device,
        threads=placement.threads,
        precision=spec.precision,
    )
