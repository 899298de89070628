"""The torch runtime: token ids and mask to hidden states, on a CPU or a GPU."""

import ctypes
import gc

import torch
from torch import Tensor, nn

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class TorchRuntime:
    """A network on a device."""

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
        # OpenMP keeps the number per calling thread, and the caller may be a new one.
        if self._device.type == "cpu" and torch.get_num_threads() != self._threads:
            torch.set_num_threads(self._threads)
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
    return isinstance(error, RuntimeError) and (
        "DefaultCPUAllocator" in str(error) or "can't allocate memory" in str(error)
    )


def release_memory(device: torch.device) -> None:
    """Hand freed memory back to the device and to the system."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    # glibc keeps freed pages to itself; other C libraries have no such call.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
