"""The OpenVINO runtime: a converted network on the cores of a CPU."""

import threading
import warnings
from functools import cache
from pathlib import Path

import openvino
import torch
from torch import Tensor, nn

from embeddings.engine.runtimes.torch import release_memory, use_threads
from embeddings.engine.spec import Placement

HINTS = {"float32": "f32", "bfloat16": "bf16"}
#: Of the texts that a network is traced with; it takes any other afterwards.
EXAMPLE_TEXTS, EXAMPLE_TOKENS = 2, 8
#: Of batches' shapes, what is prepared for the most recent ones is kept.
KEPT_SHAPES = 64
#: Tokens of a batch that all cores together may take, and weights of which a second
#: copy is worth it.
SHORT_TOKENS, SMALL_BYTES = 64, 100 << 20


@cache
def core() -> openvino.Core:
    """This process's one OpenVINO."""
    return openvino.Core()


def convert(network: nn.Module, path: Path) -> None:
    """Write a network, (ids, mask) to hidden states, as `path` and a .bin beside it.

    Raises whatever the converter raises for a network it cannot take.
    """
    ids = torch.ones(EXAMPLE_TEXTS, EXAMPLE_TOKENS, dtype=torch.int64)
    with torch.no_grad(), warnings.catch_warnings():
        # Tracing warns of each branch; whether they matter is what the probe tells.
        warnings.simplefilter("ignore")
        converted = openvino.convert_model(network, example_input=(ids, ids))
    openvino.save_model(converted, path, compress_to_fp16=False)


class Compiled:
    """A network ready to run batches, as many at once as it has teams of threads.

    Any number of threads may call: OpenVINO queues what finds no team. Its threads are
    not bound to cores, which other processes use too.
    """

    def __init__(self, path: Path, *, precision: str, teams: int, cores: int) -> None:
        self._model = core().compile_model(
            path,
            "CPU",
            {
                # Without it, a CPU that has bfloat16 would use it unasked.
                "INFERENCE_PRECISION_HINT": HINTS[precision],
                "NUM_STREAMS": teams,
                "INFERENCE_NUM_THREADS": cores,
                "ENABLE_CPU_PINNING": False,
                # Kernels kept per shape of batch: of thousands, memory never ends to
                # grow, and fewer cost no speed that could be measured.
                "CPU_RUNTIME_CACHE_CAPACITY": KEPT_SHAPES,
            },
        )
        self._width = self._model.output(0).partial_shape[2].get_length()
        self._idle: list[openvino.InferRequest] = []

    def run(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Hidden states (batch, tokens, width) of ids and mask (batch, tokens)."""
        hidden = torch.empty(*ids.shape, self._width)
        request = self._request()
        request.set_input_tensor(0, _shared(ids))
        request.set_input_tensor(1, _shared(mask))
        # Written to directly: memory of the request's own would be overwritten by the
        # next batch while this one's caller still reads.
        request.set_output_tensor(0, _shared(hidden))
        request.infer()
        self._idle.append(request)
        return hidden

    def _request(self) -> openvino.InferRequest:
        try:
            return self._idle.pop()
        except IndexError:
            return self._model.create_infer_request()


class OpenVinoRuntime:
    """A converted network in memory.

    Narrow teams make the most of many batches and suffer least where others want the
    cores; a short text that comes alone is answered soonest by all cores together, for
    which small networks are held twice.
    """

    name = "openvino"

    def __init__(self, path: Path, *, precision: str, placement: Placement) -> None:
        teams, cores = placement.teams, placement.cores
        self._teams = Compiled(path, precision=precision, teams=teams, cores=cores)
        self._all: Compiled | None = None
        if teams > 1 and path.with_suffix(".bin").stat().st_size <= SMALL_BYTES:
            self._all = Compiled(path, precision=precision, teams=1, cores=cores)
        self._threads = placement.threads
        self._running = 0
        self._lock = threading.Lock()

    def hidden_states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Hidden states (batch, tokens, width) of ids and mask (batch, tokens)."""
        # What torch does with the states must not raise a wide team beside these.
        use_threads(self._threads)
        with self._lock:
            is_alone = not self._running
            self._running += 1
        try:
            if self._all is not None and is_alone and ids.numel() <= SHORT_TOKENS:
                return self._all.run(ids, mask)
            return self._teams.run(ids, mask)
        finally:
            with self._lock:
                self._running -= 1

    def close(self) -> None:
        """Give the network's memory back."""
        del self._teams, self._all
        release_memory(torch.device("cpu"))


def _shared(tensor: Tensor) -> openvino.Tensor:
    return openvino.Tensor(tensor.numpy(), shared_memory=True)
