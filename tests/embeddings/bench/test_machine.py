"""The machine's facts, and what processes use of it."""

import os

import pytest

from embeddings.bench import machine


@pytest.fixture
def proc(tmp_path):
    """A /proc of one process."""
    (tmp_path / "cpuinfo").write_text("model name\t: Some CPU @ 2\nmodel name\t: B\n")
    (tmp_path / "stat").write_text("cpu  100 20 30 4000 500 6 7 1 0 0\ncpu0 1 2\n")
    own = tmp_path / "7"
    (own / "task" / "7").mkdir(parents=True)
    (own / "status").write_text("VmPeak:\t 999 kB\nVmHWM:\t    12 kB\n")
    (own / "stat").write_text(f"7 (a ) b) S {' '.join(map(str, range(1, 50)))}\n")
    (own / "task" / "7" / "children").write_text("8 9 ")
    return tmp_path


def test_peak_is_the_process_own(proc):
    assert machine.peak_bytes(7, proc) == 12 << 10
    assert machine.peak_bytes(8, proc) is None


def test_processor_time_is_that_of_user_and_system(proc):
    ticks = os.sysconf("SC_CLK_TCK")

    assert machine.cpu_s(7, proc) == (11 + 12) / ticks
    assert machine.cpu_s(8, proc) is None


def test_idle_cores_are_not_busy(proc):
    ticks = os.sysconf("SC_CLK_TCK")

    assert machine.busy_s(proc) == (100 + 20 + 30 + 6 + 7 + 1) / ticks
    assert machine.busy_s(proc / "7") is None


def test_children_are_listed(proc):
    assert machine.children(7, proc) == (8, 9)
    assert machine.children(8, proc) == ()


def test_facts_tell_processor_and_versions(proc):
    facts = machine.look(proc)

    assert facts.processor == "Some CPU @ 2"
    assert facts.cores >= 1
    assert facts.memory_bytes > 1 << 28
    assert {"python", "torch", "numpy"} <= facts.versions.keys()
    assert set(facts.flags) <= set(machine.FLAGS)
