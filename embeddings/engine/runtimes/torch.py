"""The torch runtime: token ids and mask to hidden states, on a CPU or a GPU."""

import ctypes
import gc

import torch
from torch import Tensor, nn

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
#: How torch on a CPU, OpenVINO and CUDA say that memory is lacking.
NO_MEMORY = (
    *("DefaultCPUAllocator", "can't allocate memory", "bad_alloc"),
    *("out of memory", "CUBLAS_STATUS_ALLOC_FAILED"),
)


def use_threads(wanted: int) -> None:
    """Let torch use so many threads for what the calling thread asks of it."""
    # OpenMP keeps the number per calling thread, and the caller may be a new one.
    if torch.get_num_threads() != wanted:
        torch.set_num_threads(wanted)


def on_device(tensor: Tensor, device: str) -> Tensor:
    """A tensor of main memory on a device, which need not wait for it to arrive."""
    if device == "cpu":
        return tensor
    return tensor.pin_memory().to(device, non_blocking=True)


class TorchRuntime:
    """A network on a device."""

    name = "torch"

    def __init__(
        self,
        network: nn.Module,
        *,
        device: str,
        threads: int,
        precision: str = "float32",
    ) -> None:
        self._device = torch.device(device)
        self._network = network.to(self._device, DTYPES[precision])
        self._threads = threads

    def hidden_states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Hidden states (batch, tokens, width) of ids and mask (batch, tokens)."""
        if self._device.type == "cpu":
            use_threads(self._threads)
        hidden: Tensor = self._network(ids, mask)
        return hidden

    def close(self) -> None:
        """Give the network's memory back."""
        del self._network
        release_memory(self._device)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocation failed, on the device or in main memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(
        sign in str(error) for sign in NO_MEMORY
    )


def is_device_lost(error: BaseException) -> bool:
    """Whether the device answers no more, and nothing on it will ever succeed again."""
    if is_out_of_memory(error) or not isinstance(error, RuntimeError):
        return False
    return isinstance(error, torch.AcceleratorError) or "CUDA error" in str(error)


def release_memory(device: torch.device) -> None:
    """Hand freed memory back to the device and to the system."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    # glibc keeps freed pages to itself; other C libraries have no such call.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
