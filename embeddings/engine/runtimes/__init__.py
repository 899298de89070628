"""What runs a network: torch, on a CPU or a GPU, or OpenVINO, on a CPU."""

import importlib
import logging
import sys

from embeddings.engine.errors import ModelUnavailableError
from embeddings.engine.machine import supported_precisions
from embeddings.engine.runtimes.base import LastHiddenState, Runtime
from embeddings.engine.runtimes.torch import TorchRuntime
from embeddings.engine.spec import ModelSpec, Placement

# OpenVINO would report its use over the network, from a fork of this process. Its own
# stand-in serves where this package is not there; nothing below imports it earlier.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]

logger = logging.getLogger(__name__)


def open_runtime(
    network: LastHiddenState, *, spec: ModelSpec, placement: Placement
) -> Runtime:
    """The network, (ids, mask) to hidden states, in the model's precision and place.

    It takes the network over, whose weights may be gone afterwards. Raises
    `ModelUnavailableError` for a precision that this machine has not.
    """
    if spec.precision not in supported_precisions(placement.device):
        raise ModelUnavailableError(
            f"{spec.name} is to run in {spec.precision}, which this processor has not"
        )
    if placement.conversions is not None:
        runtime = _converted(network, spec=spec, placement=placement)
        if runtime is not None:
            return runtime
    return TorchRuntime(
        network,
        device=placement.device,
        threads=placement.threads,
        precision=spec.precision,
    )


def _converted(
    network: LastHiddenState, *, spec: ModelSpec, placement: Placement
) -> Runtime | None:
    """The network in OpenVINO; None, with a warning, where torch has to run it."""
    # Whoever uses torch alone need not have OpenVINO.
    selection = importlib.import_module(f"{__name__}.selection")
    try:
        found: Runtime = selection.open_converted(
            network, spec=spec, placement=placement
        )
    except (OSError, selection.UnsuitableError) as reason:
        logger.warning("torch runs %s, since %s", spec.name, reason)
        return None
    return found
