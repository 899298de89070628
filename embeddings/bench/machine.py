"""Where it was measured: processor, memory, versions; and what processes use."""

import importlib.metadata
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from embeddings.engine import machine

PROC = Path("/proc")
#: Instructions that matrix products are made of, in the kernel's words.
FLAGS = (
    *("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "avx512_fp16"),
    *("amx_tile", "amx_bf16", "asimd", "sve", "bf16", "i8mm"),
)
PACKAGES = (
    *("torch", "openvino", "transformers", "sentence-transformers", "tokenizers"),
    *("numpy", "django", "gunicorn"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The facts that its figures depend on; `load` is that of the minute before."""

    processor: str
    cores: int
    flags: tuple[str, ...]
    memory_bytes: int
    gpu: str
    system: str
    versions: dict[str, str]
    load: float


def look(proc: Path = PROC) -> Machine:
    """The machine that this process runs on."""
    pages, page_bytes = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return Machine(
        processor=_field(_read(proc / "cpuinfo"), "model name")
        or platform.processor()
        or platform.machine(),
        cores=machine.usable_cores(),
        flags=tuple(flag for flag in FLAGS if flag in machine.flags()),
        memory_bytes=pages * page_bytes,
        gpu=torch.cuda.get_device_name(0) if torch.cuda.is_available() else "",
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        versions={"python": platform.python_version()} | dict(_versions()),
        load=os.getloadavg()[0],
    )


def peak_bytes(pid: int, proc: Path = PROC) -> int | None:
    """The most memory a process has had at once; None where the system has no /proc.

    Not `ru_maxrss`, which begins with what the parent had at the fork.
    """
    line = _field(_read(proc / str(pid) / "status"), "VmHWM")
    return int(line.split()[0]) << 10 if line else None


def cpu_s(pid: int, proc: Path = PROC) -> float | None:
    """Seconds of processor time a process has used; None without /proc."""
    _, found, fields = _read(proc / str(pid) / "stat").rpartition(") ")
    if not found:
        return None
    user, system = fields.split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def busy_s(proc: Path = PROC) -> float | None:
    """Seconds of processor time that all cores have worked; None without /proc."""
    name, _, fields = _read(proc / "stat").partition(" ")
    if name != "cpu":
        return None
    ticks = [int(field) for field in fields.partition("\n")[0].split()]
    # Idle, and idle for want of a disk, are the fourth and the fifth.
    return (sum(ticks[:3]) + sum(ticks[5:8])) / os.sysconf("SC_CLK_TCK")


def children(pid: int, proc: Path = PROC) -> tuple[int, ...]:
    """The processes that a process has started and that still run."""
    text = _read(proc / str(pid) / "task" / str(pid) / "children")
    return tuple(map(int, text.split()))


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _field(text: str, name: str) -> str:
    """The first `name: value` line's value; empty without one."""
    for line in text.splitlines():
        key, found, value = line.partition(":")
        if found and key.strip() == name:
            return value.strip()
    return ""


def _versions() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        try:
            yield package, importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
