"""What this machine offers."""

import pytest
import torch

from embeddings.engine import machine


@pytest.fixture
def cpuinfo(monkeypatch, tmp_path):
    """Makes the kernel tell this of its processors."""

    def tell(text):
        path = tmp_path / "cpuinfo"
        path.write_text(text)
        monkeypatch.setattr(machine, "CPUINFO", path)

    return tell


@pytest.fixture
def affinity(monkeypatch, tmp_path):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(8))
    monkeypatch.setattr(machine, "QUOTA", tmp_path / "cpu.max")
    return tmp_path / "cpu.max"


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        ("max 100000\n", 8),
        ("200000 100000\n", 2),
        ("50000 100000\n", 1),
        ("9900000 100000\n", 8),
        ("nonsense", 8),
    ],
    ids=["none", "two", "half", "more than there are", "nonsense"],
)
def test_a_containers_share_bounds_the_cores(affinity, quota, expected):
    affinity.write_text(quota)

    assert machine.usable_cores() == expected


def test_all_cores_are_usable_without_containers(affinity):
    assert machine.usable_cores() == 8


def test_cores_are_counted_where_there_is_no_affinity(affinity, monkeypatch):
    monkeypatch.delattr("os.sched_getaffinity")
    monkeypatch.setattr("os.cpu_count", lambda: 6)

    assert machine.usable_cores() == 6


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("processor: 0\nflags\t\t: fpu avx512_bf16 sse\n", ("float32", "bfloat16")),
        ("flags : fpu amx_bf16\n", ("float32", "bfloat16")),
        ("Features : asimd bf16\n", ("float32", "bfloat16")),
        ("flags : fpu avx512f\n", ("float32",)),
        ("", ("float32",)),
    ],
    ids=["avx512", "amx", "arm", "older", "untold"],
)
def test_bfloat16_is_offered_where_the_processor_has_it(cpuinfo, text, expected):
    cpuinfo(text)

    assert machine.supported_precisions() == expected


def test_every_gpu_has_bfloat16(cpuinfo):
    cpuinfo("flags : fpu\n")

    assert machine.supported_precisions("cuda") == ("float32", "bfloat16")


def test_other_systems_tell_no_flags(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "none")

    assert machine.flags() == frozenset()
    assert len(machine.processor()) == 12


def test_processors_of_one_kind_have_one_name(cpuinfo):
    cpuinfo("flags : a b\nflags : a b\n")
    first = machine.processor()
    cpuinfo("flags : b a\n")

    assert machine.processor() == first
    cpuinfo("flags : a c\n")
    assert machine.processor() != first


@pytest.mark.parametrize(("has_gpu", "expected"), [(True, "cuda"), (False, "cpu")])
def test_gpu_is_chosen_where_torch_sees_one(monkeypatch, has_gpu, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_gpu)

    assert machine.chosen_device("auto") == expected
    assert machine.chosen_device("cuda:1") == "cuda:1"
    assert machine.chosen_device("cpu") == "cpu"
