"""A model folder as files: safe to open, whole, and known by a fingerprint."""

import hashlib
import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from embeddings.engine.errors import ModelUnavailableError

#: Reading these can run code; weights come as safetensors only.
UNSAFE_SUFFIXES = frozenset(
    {".bin", ".ckpt", ".dill", ".joblib", ".npy", ".npz", ".pickle", ".pkl", ".pt"}
    | {".pth", ".py", ".pyc", ".so", ".th"}
)
#: bge-m3's heads, which are read as numbers alone.
NUMBERS_ALONE = frozenset({"colbert_linear.pt", "sparse_linear.pt"})
DTYPE_BYTES = {"float32": 4, "bfloat16": 2}


def read_json(path: Path) -> Any:
    """The file's JSON; None where there is no such file.

    Raises `ModelUnavailableError` where it cannot be read as JSON.
    """
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelUnavailableError(f"{path.name} cannot be read") from error


def read_mapping(path: Path) -> Mapping[str, Any]:
    """As `read_json`, for files that hold an object; empty where there is none."""
    value = read_json(path)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ModelUnavailableError(f"{path.name} does not hold an object")
    return value


def check_files(folder: Path) -> None:
    """Raise `ModelUnavailableError`, with the reason, unless a folder is mere data."""
    if not folder.is_dir():
        raise ModelUnavailableError("the model folder is not on this disk")
    for path in _files(folder):
        name = path.relative_to(folder)
        if not path.resolve().is_relative_to(folder.resolve()):
            raise ModelUnavailableError(f"{name} is a link that leaves the folder")
        is_unsafe = path.suffix.lower() in UNSAFE_SUFFIXES
        if is_unsafe and name.as_posix() not in NUMBERS_ALONE:
            raise ModelUnavailableError(
                f"{name} could run code when read: only safetensors are loaded"
            )
        if path.suffix == ".json" and "auto_map" in _keys(path):
            raise ModelUnavailableError(f"{name} asks for remote code (auto_map)")
        if path.suffix == ".safetensors":
            _check_whole(path, str(name))


def weight_bytes(folder: Path, *, precision: str, is_deep: bool = True) -> int:
    """Memory of the folder's weights at `precision`, with those below it if `is_deep`.

    Raises `ModelUnavailableError`.
    """
    numbers = sum(
        math.prod(tensor["shape"])
        for path in _files(folder)
        if path.suffix == ".safetensors" and (is_deep or path.parent == folder)
        for name, tensor in _header(path, path.name)[0].items()
        if name != "__metadata__"
    )
    return int(numbers) * DTYPE_BYTES[precision]


def size_bytes(folder: Path) -> int:
    """Bytes of all files on the disk; raises OSError."""
    return sum(path.stat().st_size for path in _files(folder))


def check_weights(folder: Path) -> None:
    """Raise `ModelUnavailableError` where the folder itself holds no weights."""
    if not weight_bytes(folder, precision="float32", is_deep=False):
        raise ModelUnavailableError("the model's weights are not on this disk")


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 (hex) of each file by its name, in order of names; reads all of them."""
    found = {}
    for path in _files(folder):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        found[path.relative_to(folder).as_posix()] = digest
    return found


def fingerprint(folder: Path) -> str:
    """SHA-256 (hex) over the names and contents of all files, in order of names."""
    whole = hashlib.sha256()
    for name, digest in digests(folder).items():
        whole.update(f"{name}\0{digest}\n".encode())
    return whole.hexdigest()


def _files(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def _keys(path: Path) -> frozenset[str]:
    # A tokenizer's JSON is large and is read by Rust alone; it names no code.
    if path.name == "tokenizer.json":
        return frozenset()
    value = read_json(path)
    return frozenset(value) if isinstance(value, dict) else frozenset()


def _header(path: Path, name: str) -> tuple[dict[str, Any], int]:
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            # The length is the file's word: reading by it must not exhaust memory.
            header = json.loads(file.read(min(length, path.stat().st_size)))
    except (OSError, ValueError, struct.error, RecursionError) as error:
        raise ModelUnavailableError(f"{name} is not a safetensors file") from error
    if not isinstance(header, dict):
        raise ModelUnavailableError(f"{name} is not a safetensors file")
    return header, 8 + length


def _check_whole(path: Path, name: str) -> None:
    header, start = _header(path, name)
    ends = (
        tensor["data_offsets"][1]
        for key, tensor in header.items()
        if key != "__metadata__"
    )
    if start + max(ends, default=0) != path.stat().st_size:
        raise ModelUnavailableError(f"{name} is cut short or damaged")
