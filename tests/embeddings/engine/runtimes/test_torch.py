"""The torch runtime's own duties."""

import threading

import pytest
import torch
from torch import nn

from embeddings.engine.runtimes import torch as runtime
from embeddings.engine.runtimes.selection import TOLERANCE, distance
from tests.embeddings.engine.runtimes.networks import make_network


class Echo(nn.Module):
    """Hidden states that tell the number of threads they were made with."""

    def forward(self, ids, _):
        return ids.unsqueeze(-1).float() * torch.get_num_threads()


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def run_in_a_thread(made, results):
    def call():
        ids = torch.ones(1, 2, dtype=torch.int64)
        results.append(made.hidden_states(ids, ids))

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()


@pytest.mark.parametrize("wanted", [1, 2])
def test_every_thread_computes_with_the_threads_it_was_given(wanted):
    torch.set_num_threads(4)
    made = runtime.TorchRuntime(Echo(), device="cpu", threads=wanted)
    results = []

    for _ in range(2):
        run_in_a_thread(made, results)

    assert [result.tolist() for result in results] == [[[[wanted], [wanted]]]] * 2


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("cuda"), True),
        (MemoryError(), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), True),
        (torch.AcceleratorError("CUDA error: out of memory"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("can't allocate memory"), False),
    ],
    ids=["device", "python", "allocator", "driver", "shapes", "other"],
)
def test_lack_of_memory_is_told_from_other_errors(error, expected):
    assert runtime.is_out_of_memory(error) is expected


def test_main_memory_stays_where_it_is():
    tensor = torch.ones(2)

    assert runtime.on_device(tensor, "cpu") is tensor


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_gpu_gives_the_cpus_states(precision):
    ids = torch.tensor([[5, 6, 7], [8, 9, 1]])
    mask = torch.tensor([[1, 1, 1], [1, 1, 0]])
    with torch.inference_mode():
        expected = make_network("xlm-r")(ids, mask)
        made = runtime.TorchRuntime(
            make_network("xlm-r"), device="cuda", threads=1, precision=precision
        )
        given = (runtime.on_device(one, "cuda") for one in (ids, mask))
        found = made.hidden_states(*given).float().cpu()

    real = mask.bool()
    assert distance(found[real], expected[real]) < TOLERANCE[precision]


def test_real_lack_of_memory_is_recognised():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60)

    assert runtime.is_out_of_memory(caught.value)


def test_memory_can_be_released():
    runtime.release_memory(torch.device("cpu"))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.AcceleratorError("CUDA error: device-side assert triggered"), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), True),
        (torch.AcceleratorError("CUDA error: out of memory"), False),
        (torch.OutOfMemoryError("CUDA out of memory"), False),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("CUDA error"), False),
    ],
    ids=["assert", "access", "driver-memory", "memory", "shapes", "other"],
)
def test_lost_device_is_told_from_other_errors(error, expected):
    assert runtime.is_device_lost(error) is expected
