"""What this machine offers a process: cores, precisions, a device."""

import importlib
import os
import platform
from hashlib import sha256
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
#: How the line of instruction sets begins, on x86 and on ARM.
FLAG_LINES = ("flags", "Features")
#: Where a container's share of processor time stands: microseconds and their period.
QUOTA = Path("/sys/fs/cgroup/cpu.max")
#: Instructions without which bfloat16 is slower than float32, and no nearer to it.
BFLOAT16_FLAGS = frozenset({"amx_bf16", "avx512_bf16", "bf16"})


def usable_cores() -> int:
    """Cores that this process may keep busy, as its machine and container allow."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS has no such call.
        cores = os.cpu_count() or 1
    try:
        quota_us, period_us = QUOTA.read_text("ascii").split()
        return max(1, min(cores, round(int(quota_us) / int(period_us))))
    # No such file, or "max": no limit.
    except (OSError, ValueError):
        return cores


def flags() -> frozenset[str]:
    """The processor's instruction sets by Linux's names; empty on other systems."""
    try:
        lines = CPUINFO.read_text("utf-8").splitlines()
    except OSError:
        return frozenset()
    found = (line.partition(":")[2] for line in lines if line.startswith(FLAG_LINES))
    return frozenset(next(found, "").split())


def processor() -> str:
    """A short name for this kind of processor: alike ones compute alike."""
    known = f"{platform.machine()} {' '.join(sorted(flags()))}"
    return sha256(known.encode()).hexdigest()[:12]


def supported_precisions(device: str = "cpu") -> tuple[str, ...]:
    """The precisions that models may run in here, the usual one first."""
    has_bfloat16 = device != "cpu" or flags() & BFLOAT16_FLAGS
    return ("float32", "bfloat16") if has_bfloat16 else ("float32",)


def chosen_device(wanted: str) -> str:
    """The device of a setting: `auto` is the GPU where torch sees one, else the CPU."""
    if wanted != "auto":
        return wanted
    # Torch takes seconds to import, and whoever names a device need not wait for it.
    torch = importlib.import_module("torch")
    return "cuda" if torch.cuda.is_available() else "cpu"
