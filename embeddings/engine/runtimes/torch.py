"""The torch runtime: token ids and mask to hidden states, on a CPU or a GPU."""

import ctypes
import gc

import torch
from torch import Tensor, nn

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class TorchRuntime:
    """A transformer module on a device."""

    def __init__(self, transformer: nn.Module, *, device: str, threads: int) -> None:
        self._transformer = transformer
        self._device = torch.device(device)
        self._threads = threads

    def hidden_states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Hidden states (batch, tokens, width) of ids and mask (batch, tokens)."""
        # OpenMP keeps the number per calling thread, and the caller may be a new one.
        if self._device.type == "cpu" and torch.get_num_threads() != self._threads:
            torch.set_num_threads(self._threads)
        features = self._transformer(
            {"input_ids": ids, "attention_mask": mask, "modality": "text"}
        )
        hidden: Tensor = features["token_embeddings"]
        return hidden


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocation failed, on the device or in main memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and (
        "DefaultCPUAllocator" in str(error) or "can't allocate memory" in str(error)
    )


def release_memory(device: str) -> None:
    """Hand freed memory back to the device and to the system."""
    gc.collect()
    if torch.device(device).type == "cuda":
        torch.cuda.empty_cache()
    # glibc keeps freed pages to itself; other C libraries have no such call.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
