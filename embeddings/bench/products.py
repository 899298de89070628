"""The machine's ceiling: how fast it multiplies big matrices."""

import importlib
import importlib.util
from collections.abc import Callable

import numpy as np
import torch

from embeddings.bench.embedders import timed
from embeddings.bench.plan import Figure

#: Products of which the fastest counts.
PRODUCTS = 5
PRECISIONS = {
    Figure.FLOAT32: (torch.float32, "f32"),
    Figure.BFLOAT16: (torch.bfloat16, "bf16"),
}


def measure_products(device: str, side: int) -> dict[Figure, float]:
    """GFLOP/s of a square product on all cores, or on the GPU, by the best library.

    Which library is the faster one depends on the processor's maker.
    """
    return {
        figure: max(
            _gflops(product, side)
            for product in (
                _torch_product(device, side, dtype),
                *_openvino_products(device, side, hint),
            )
        )
        for figure, (dtype, hint) in PRECISIONS.items()
    }


def _gflops(product: Callable[[], object], side: int) -> float:
    product()
    fastest_s = min(timed(product) for _ in range(PRODUCTS))
    return 2 * side**3 / fastest_s / 1e9


def _torch_product(device: str, side: int, dtype: torch.dtype) -> Callable[[], object]:
    left = torch.randn(side, side, device=device, dtype=dtype)
    right = torch.randn(side, side, device=device, dtype=dtype)

    def product() -> None:
        torch.matmul(left, right)
        if left.is_cuda:
            torch.cuda.synchronize()

    return product


def _openvino_products(
    device: str, side: int, hint: str
) -> tuple[Callable[[], object], ...]:
    """The same by OpenVINO, where it is installed and has the device."""
    if device != "cpu" or importlib.util.find_spec("openvino") is None:
        return ()
    # The engine's own module comes first: it forbids the library's telemetry.
    core = importlib.import_module("embeddings.engine.runtimes.openvino").core
    openvino = importlib.import_module("openvino")
    dice = np.random.default_rng(1)
    left, right = (dice.random((side, side), dtype=np.float32) for _ in range(2))
    operations = importlib.import_module("openvino.opset13")
    parameter = operations.parameter([side, side], np.float32)
    product = operations.matmul(
        parameter, operations.constant(right), transpose_a=False, transpose_b=True
    )
    compiled = core().compile_model(
        openvino.Model([product], [parameter]),
        "CPU",
        {"INFERENCE_PRECISION_HINT": hint, "PERFORMANCE_HINT": "LATENCY"},
    )
    request = compiled.create_infer_request()
    tensor = openvino.Tensor(left)
    return (lambda: request.infer({0: tensor}),)
